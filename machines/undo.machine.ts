import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of an undo. */
export const undoTask = lifecycle({
  id: 'undo',
  description: 'Goes back to a checkpoint, path by path, and leaves alone what was changed since.',
});

/** What it does. */
export const undoWork = stagedWork({
  id: 'undo-work',
  description: 'Sets the work tree back, then the conversation, and says what became of each path.',
  stages: {
    restoring: 'Each path that a task has changed is set back, unless it was changed since.',
    recording: 'The conversation is cut back if that was asked for, and what was done is said.',
  },
});

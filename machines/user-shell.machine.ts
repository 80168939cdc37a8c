import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of a command that the user runs. */
export const userShellTask = lifecycle({
  id: 'user-shell',
  description: "The user's own command, beside whatever runs.",
});

/** What it does. */
export const userShellWork = stagedWork({
  id: 'user-shell-work',
  description: 'Runs the command, and tells the model of it.',
  stages: {
    'running-command': { description: 'The command runs, with all that the user may do.', waitsFor: 'tool' },
    recording: 'What it came to goes into the history, as the user’s.',
  },
});

import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of the taking of a checkpoint. */
export const ghostSnapshotTask = lifecycle({
  id: 'ghost-snapshot',
  description: 'Keeps the state of the work tree outside of it, beside whatever runs.',
});

/** What it does. */
export const ghostSnapshotWork = stagedWork({
  id: 'ghost-snapshot-work',
  description: 'Keeps the state of the work tree, and says so.',
  stages: {
    keeping: 'The work tree is looked through, and what has changed since the last time is kept.',
    recording: 'What was kept, and what was left out, is said.',
  },
});

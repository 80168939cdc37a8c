import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of a compaction that somebody has asked for. */
export const compactTask = lifecycle({
  id: 'compact',
  description: 'Puts a summary in the place of a long history.',
});

/** What a compaction does, as a task of its own and within the steps of a regular task. */
export const compactWork = stagedWork({
  id: 'compact-work',
  description: 'Sets aside what must not be lost, has a sub-session summarise the rest, and replaces the history.',
  stages: {
    gathering: 'What the user said, the plan, changed files and refusals are set aside as they are.',
    summarising: {
      description: 'A sub-session, which has a copy of the history, summarises it.',
      waitsFor: 'sub-session',
    },
    replacing: { description: 'The new history is on its way to the disk.', waitsFor: 'disk' },
  },
});

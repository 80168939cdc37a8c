import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of a review. */
export const reviewTask = lifecycle({
  id: 'review',
  description: 'A sub-session that may only read looks for what is wrong with a change.',
});

/** What a review does. */
export const reviewWork = stagedWork({
  id: 'review-work',
  description: 'Finds out what is to be looked at, has a sub-session look, and records what it found.',
  stages: {
    'finding-target': 'What is to be looked at is found out: the merge base, the changed files.',
    reviewing: {
      description: 'A sub-session with a history of its own, which may only read, looks.',
      waitsFor: 'sub-session',
    },
    recording: 'What it found goes into the history.',
  },
});

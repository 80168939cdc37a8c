import { stagedWork } from './staged-work.ts';

/** Work that is one function: a promise, and the sub-sessions that it opens. */
export const definedWork = stagedWork({
  id: 'defined-work',
  description: 'A function, and the sub-sessions that it opens.',
  stages: { running: 'The function runs; what it delegated runs beside it.' },
});

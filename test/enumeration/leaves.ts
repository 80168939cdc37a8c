import type { Leaf } from './actors.ts';

/** A deadline may pass at any time once somebody waits for it: whatever may come before it may come after it. */
export const timerLeaf: Leaf = {
  start: ({ deadline }: { deadline: number | null }) => ({ waits: deadline !== null }),
  hear: (state) => state,
  steps: ({ waits }: { waits: boolean }) =>
    waits ? [{ what: 'passes', state: { waits: false }, says: [{ type: 'deadline.passed', at: 1 }] }] : [],
};

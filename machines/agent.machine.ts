import { lifecycle } from './lifecycle.ts';
import { stagedWork } from './staged-work.ts';

/** The lifecycle of an agent: a sub-session that a model has asked for, beside what it does itself. */
export const agentTask = lifecycle({
  id: 'agent',
  description: 'A sub-session does what a model wants done, beside the task that asked for it.',
});

/** What an agent does: it waits for its turn, and then its sub-session works. */
export const agentWork = stagedWork({
  id: 'agent-work',
  description: 'Waits for its turn among the agents of the tree, then has a sub-session do what it was told.',
  stages: {
    'awaiting-turn': { description: 'As many agents work as may at once.', waitsFor: 'queue' },
    working: { description: 'Its sub-session works.', waitsFor: 'sub-session' },
  },
});

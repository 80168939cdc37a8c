import * as z from 'zod';
import { agentWork } from '../../machines/agent.machine.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';

const agentInput = z.object({
  /** Its name among the agents of its session. */
  agent: z.string(),
  role: z.string(),
  message: z.string(),
});

type AgentInput = z.infer<typeof agentInput>;
type AgentData = { agent: string; role: string; sessionId: string; answer: string | null };

/** The kind of an agent: it waits for its turn, and then a sub-session does what it was told, beside the task that asked for it. */
export const agent = defineTask<typeof agentInput, AgentData>({
  input: agentInput,
  description: 'A sub-session does what a model wants done, beside the task that asked for it.',
  placement: 'beside',
  work: inStages(
    agentWork,
    async (input: AgentInput, ports, scope): Promise<AgentInput> => {
      await ports.agents.turn(scope.signal);
      return input;
    },
    async ({ agent, role, message }, ports): Promise<AgentData> => {
      const itemId = ports.nextItemId();
      let sessionId = '';
      const item = { id: itemId, type: 'sub_session', kind: role, agent } as const;
      const spec = ports.agents.specOf(agent, message);
      const outcome = await ports.delegate({
        ...spec,
        opened(id) {
          spec.opened?.(id);
          sessionId = id;
          ports.commit({ type: 'item.started', item: { ...item, sessionId, status: 'in_progress' } });
        },
      });
      if (sessionId !== '')
        ports.commit({ type: 'item.completed', item: { ...item, sessionId, status: outcome.status } });
      if (outcome.status !== 'completed') throw errorOf(outcome);
      return { agent, role, sessionId, answer: outcome.answer };
    },
  ),
});

function errorOf(outcome: Exclude<TaskOutcome, { status: 'completed' }>): TroupeError {
  if (outcome.status === 'failed') return new TroupeError(outcome.error.code, outcome.error.message);
  return new TroupeError('sub-session-failed', `The sub-session was stopped (${outcome.reason}).`);
}

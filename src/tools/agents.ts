import * as z from 'zod';
import type { AgentRole } from '../protocol/agents.ts';
import type { Agents, Told } from './agent-port.ts';
import { defineTool, type ToolAnswer } from './define-tool.ts';
import type { Tool, ToolScope } from './tool.ts';

/** How long a wait takes when the model does not say, and at least and at most, in ms: with less it would only ask again. */
const WAIT_MS = { usual: 60_000, least: 10_000, most: 3_600_000 };

const message = z.string().refine((text) => text.trim() !== '', 'expected some words');

/** What a model needs to have others work for it. The roles are told in the description. */
export function agentTools(roles: ReadonlyMap<string, AgentRole>): readonly Tool[] {
  const told = [...roles].map(([name, { description }]) => `\`${name}\`: ${description}`).join(' ');
  return [
    defineTool({
      name: 'spawn_agent',
      description:
        'Starts an agent: another session with its own context, which works beside you on what you tell it and answers you at ' +
        'the end. Use it for work that can be done independently, and give agents that write different files each. It knows ' +
        'nothing but your message, unless you set fork_context. You are told when it has ended; wait_agent waits for that. ' +
        `Kinds of agents (agent_type): ${told}`,
      input: z.object({
        message: message.describe('All that the agent has to know: what to do, where, and what to answer.'),
        agent_type: z.string().optional(),
        fork_context: z.boolean().optional().describe('Begin with a copy of this conversation. Default: false.'),
      }),
      parallel: true,
      execute: ({ message, agent_type = 'worker', fork_context = false }, scope) =>
        answerOf(
          agentsOf(scope).spawn({ message, role: agent_type, fork: fork_context, callId: scope.callId }),
          ({ agent, status }) => ({ agent, status }),
        ),
    }),
    defineTool({
      name: 'send_input',
      description:
        'Says something to an agent. While it works it reads it at its next step; one that has ended goes on with it, knowing ' +
        'what it knew. With interrupt it stops what it does and begins with this.',
      input: z.object({
        target: z.string().describe('The name of the agent.'),
        message,
        interrupt: z.boolean().optional(),
      }),
      parallel: true,
      execute: async ({ target, message, interrupt = false }, scope) =>
        answerOf(await agentsOf(scope).send(target, message, interrupt), (disposition) => ({ disposition })),
    }),
    defineTool({
      name: 'wait_agent',
      description:
        'Waits until one of the agents has ended, and gives the results of those that have. Returns earlier when the user says ' +
        'something, and when the time is up. It costs nothing: do not ask again and again with short times.',
      input: z.object({
        targets: z.array(z.string()).optional().describe('Names of agents; any of yours when left out.'),
        timeout_ms: z
          .number()
          .int()
          .positive()
          .optional()
          .describe(`Default ${WAIT_MS.usual}; from ${WAIT_MS.least} to ${WAIT_MS.most}.`),
      }),
      parallel: true,
      async execute({ targets = [], timeout_ms = WAIT_MS.usual }, scope) {
        const timeoutMs = Math.min(Math.max(timeout_ms, WAIT_MS.least), WAIT_MS.most);
        return answerOf(await agentsOf(scope).wait(targets, timeoutMs, scope.signal), ({ why, ended }) => ({
          agents: ended,
          timed_out: why === 'timed-out',
          ...(why === 'new-input' ? { interrupted: 'wait interrupted by new input' } : {}),
        }));
      },
    }),
    defineTool({
      name: 'close_agent',
      description: 'Stops an agent, whatever it does, with all that it has started. What it has found so far is lost.',
      input: z.object({ target: z.string().describe('The name of the agent.') }),
      parallel: true,
      execute: async ({ target }, scope) =>
        answerOf(await agentsOf(scope).close(target), (status) => ({ previous_status: status })),
    }),
    defineTool({
      name: 'list_agents',
      description: 'Lists your agents with what they do, and the results of those that have ended.',
      input: z.object({}),
      parallel: true,
      execute: (_, scope) => ({ output: JSON.stringify({ agents: agentsOf(scope).list() }) }),
    }),
  ];
}

/** Names of the tools above. A session that may open no others has none of them. */
export const AGENT_TOOL_NAMES: readonly string[] = [
  'spawn_agent',
  'send_input',
  'wait_agent',
  'close_agent',
  'list_agents',
];

function agentsOf({ agents }: ToolScope): Agents {
  if (agents === undefined) throw new Error('there are no agents here');
  return agents;
}

function answerOf<T>(told: Told<T>, shown: (value: T) => object): ToolAnswer {
  if (!told.ok) return { output: told.message, success: false };
  return { output: JSON.stringify(shown(told.value)) };
}

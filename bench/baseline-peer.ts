import { OpenAI } from 'openai';
import { levelMessage } from './answers.ts';
import { type BareTool, bareLoop } from './bare-loop.ts';
import { type Conversation, type Peer, USER_TEXT } from './peer.ts';

const NOOP: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'noop',
  description: 'Does nothing.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
  strict: false,
};
const AGENT: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'agent',
  description: 'An agent with a conversation of its own.',
  parameters: {
    type: 'object',
    properties: { message: { type: 'string', description: 'What is to be done.' } },
    required: ['message'],
    additionalProperties: false,
  },
  strict: false,
};

/** The `openai` client and a loop. */
export function baselinePeer(baseURL: string): Peer {
  const client = new OpenAI({ apiKey: 'none', baseURL });
  return {
    open: (model) => openConversation(client, model),
    async nest(levels) {
      let asked = 0;
      const approve = async () => {
        asked += 1;
        return true;
      };
      await runAgent(client, levels, levelMessage(levels), approve);
      return asked;
    },
  };
}

/** An agent with so many below it. Who decides is handed down from the root. */
function runAgent(client: OpenAI, levels: number, message: string, approve: () => Promise<boolean>): Promise<string> {
  const tool: BareTool =
    levels === 0
      ? { shown: NOOP, run: async () => ((await approve()) ? '' : 'It was not allowed.') }
      : { shown: AGENT, run: (input) => runAgent(client, levels - 1, messageIn(input), approve) };
  return bareLoop(client, 'nest', tool).turn(message);
}

function messageIn(input: unknown): string {
  if (typeof input === 'object' && input !== null && 'message' in input && typeof input.message === 'string')
    return input.message;
  throw new Error(`Expected an agent to be called with a message, got ${JSON.stringify(input)}.`);
}

function openConversation(client: OpenAI, model: string): Conversation {
  const { turn, follow } = bareLoop(client, model, { shown: NOOP, run: () => '' });
  return {
    async turn() {
      await turn(USER_TEXT);
    },
    begin() {
      const controller = new AbortController();
      const aborted = turn(USER_TEXT, controller.signal).then(
        () => {
          throw new Error('Expected the turn to be aborted, got one that completed.');
        },
        (error: unknown) => {
          if (!controller.signal.aborted) throw error;
        },
      );
      return { abort: () => controller.abort(), aborted };
    },
    follow,
    close: async () => {},
  };
}

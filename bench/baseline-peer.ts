import { OpenAI } from 'openai';
import { type Conversation, type Peer, USER_TEXT } from './peer.ts';

type InputItem = OpenAI.Responses.ResponseInputItem;

const NOOP: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'noop',
  description: 'Does nothing.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
  strict: false,
};

/** What a user would write with no library: the `openai` client and a loop. */
export function baselinePeer(baseURL: string): Peer {
  const client = new OpenAI({ apiKey: 'none', baseURL });
  return { open: (model) => openConversation(client, model) };
}

function openConversation(client: OpenAI, model: string): Conversation {
  const history: InputItem[] = [];
  const followers: ((delta: string) => void)[] = [];

  async function turn(signal?: AbortSignal): Promise<void> {
    history.push({ role: 'user', content: USER_TEXT });
    for (;;) {
      const calls = await step(signal);
      if (calls.length === 0) return;
      for (const { call_id } of calls) history.push({ type: 'function_call_output', call_id, output: '' });
    }
  }

  async function step(signal?: AbortSignal): Promise<readonly OpenAI.Responses.ResponseFunctionToolCall[]> {
    const stream = await client.responses.create(
      { model, input: history, tools: [NOOP], stream: true, store: false },
      signal === undefined ? {} : { signal },
    );
    const calls: OpenAI.Responses.ResponseFunctionToolCall[] = [];
    let isWhole = false;
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') {
        for (const follower of followers) follower(event.delta);
      } else if (event.type === 'response.output_item.done') {
        const { item } = event;
        if (item.type === 'message') history.push(item);
        if (item.type === 'function_call') {
          history.push(item);
          JSON.parse(item.arguments);
          calls.push(item);
        }
      } else if (event.type === 'response.completed') isWhole = true;
    }
    if (!isWhole) throw new Error('Expected a whole answer, got a stream that ended before it was.');
    return calls;
  }

  return {
    turn: () => turn(),
    begin() {
      const controller = new AbortController();
      const aborted = turn(controller.signal).then(
        () => {
          throw new Error('Expected the turn to be aborted, got one that completed.');
        },
        (error: unknown) => {
          if (!controller.signal.aborted) throw error;
        },
      );
      return { abort: () => controller.abort(), aborted };
    },
    follow: (onDelta) => void followers.push(onDelta),
    close: async () => {},
  };
}

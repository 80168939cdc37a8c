import type { OpenAI } from 'openai';

type InputItem = OpenAI.Responses.ResponseInputItem;
type FunctionCall = OpenAI.Responses.ResponseFunctionToolCall;

/** A tool, and what a call of it comes to. */
export type BareTool = Readonly<{
  shown: OpenAI.Responses.FunctionTool;
  run(input: unknown): string | Promise<string>;
}>;

export type BareLoop = Readonly<{
  /** One turn of the user, to its end; gives what the model said last. */
  turn(text: string, signal?: AbortSignal): Promise<string>;
  follow(onDelta: (delta: string) => void): void;
}>;

/** What a user would write with no library: a history, and requests until no tool is called any more. */
export function bareLoop(client: OpenAI, model: string, tool: BareTool): BareLoop {
  const history: InputItem[] = [];
  const followers: ((delta: string) => void)[] = [];

  async function turn(text: string, signal?: AbortSignal): Promise<string> {
    history.push({ role: 'user', content: text });
    for (;;) {
      const { calls, said } = await step(signal);
      if (calls.length === 0) return said;
      for (const { call_id, arguments: input } of calls) {
        history.push({ type: 'function_call_output', call_id, output: await tool.run(JSON.parse(input)) });
      }
    }
  }

  async function step(signal?: AbortSignal): Promise<{ calls: readonly FunctionCall[]; said: string }> {
    const stream = await client.responses.create(
      { model, input: history, tools: [tool.shown], stream: true, store: false },
      signal === undefined ? {} : { signal },
    );
    const calls: FunctionCall[] = [];
    let said = '';
    let isWhole = false;
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') {
        for (const follower of followers) follower(event.delta);
      } else if (event.type === 'response.output_item.done') {
        const { item } = event;
        if (item.type === 'message') {
          history.push(item);
          said = item.content.map((part) => (part.type === 'output_text' ? part.text : part.refusal)).join('');
        }
        if (item.type === 'function_call') {
          history.push(item);
          calls.push(item);
        }
      } else if (event.type === 'response.completed') isWhole = true;
    }
    if (!isWhole) throw new Error('Expected a whole answer, got a stream that ended before it was.');
    return { calls, said };
  }

  return { turn, follow: (onDelta) => void followers.push(onDelta) };
}

/** The deltas that `deltas-N` may ask for at most: about 60 MB of events. */
const DELTAS_MAX = 200_000;
/** Tokens that an answer says it has cost; nothing depends on them. */
const USAGE = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 30,
};

/** How many conversations are still to come below the one that asks, as its first message says it. */
export const LEVELS_BELOW = 'levels below: ';
/** So many levels there may be below the root. */
const LEVELS_MAX = 8;

/** How a script answers a request in which `outputs` outputs of calls stand after the last message of the user. */
export type Script = (outputs: number, levelsBelow: number) => Buffer;

/**
 * The script of a model name, as bytes of the Responses API that are rendered once: `text-N` and `deltas-N` say N
 * deltas, `tools-N` calls `noop` in N rounds and then says 20. `nest` calls `agent` with what the level below is to be
 * told, or `noop` at the last one, and then says 20; `spawn` does the same with `spawn_agent` and `wait_agent` in one
 * step. Null when there is no such script.
 */
export function scriptNamed(name: string): Script | null {
  if (name === 'nest' || name === 'spawn') return nestingScript(name);
  const [, kind, digits] = /^(text|deltas|tools)-(\d{1,6})$/.exec(name) ?? [];
  const count = Number(digits);
  if (kind === undefined || count > DELTAS_MAX) return null;
  const text = textAnswer(name, kind === 'tools' ? 20 : count);
  if (kind !== 'tools') return () => text;
  const rounds = Array.from({ length: count }, (_, round) => callAnswer(name, [noopCall(round)]));
  return (outputs) => rounds[outputs] ?? text;
}

function nestingScript(name: 'nest' | 'spawn'): Script {
  const text = textAnswer(name, 20);
  const calls = Array.from({ length: LEVELS_MAX + 1 }, (_, levels) => {
    if (levels === 0) return callAnswer(name, [noopCall(0)]);
    const input = { message: levelMessage(levels - 1) };
    if (name === 'nest') return callAnswer(name, [{ id: 0, name: 'agent', input }]);
    return callAnswer(name, [
      { id: 0, name: 'spawn_agent', input },
      { id: 1, name: 'wait_agent', input: {} },
    ]);
  });
  return (outputs, levelsBelow) => (outputs === 0 && calls[levelsBelow]) || text;
}

/** What a conversation is told that has so many below it. */
export function levelMessage(levels: number): string {
  return `Please go on, ${LEVELS_BELOW}${levels}.`;
}

function textAnswer(model: string, count: number): Buffer {
  const deltas = Array.from({ length: count }, (_, index) => `word${index % 10} `);
  const text = deltas.join('');
  const part = { type: 'output_text', text, annotations: [], logprobs: [] };
  const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [part] };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  return rendered(
    model,
    [item],
    [
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
      ...deltas.map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
      { type: 'response.output_text.done', ...place, text, logprobs: [] },
      { type: 'response.content_part.done', ...place, part },
      { type: 'response.output_item.done', output_index: 0, item },
    ],
  );
}

type Call = Readonly<{ id: number; name: string; input: object }>;

const noopCall = (id: number): Call => ({ id, name: 'noop', input: {} });

function callAnswer(model: string, calls: readonly Call[]): Buffer {
  const made = calls.map(({ id, name, input }, at) => {
    const item = { id: `fc_${id}`, type: 'function_call', status: 'completed', call_id: `call_${id}`, name };
    const text = JSON.stringify(input);
    const done = { ...item, arguments: text };
    const place = { item_id: item.id, output_index: at };
    const events = [
      {
        type: 'response.output_item.added',
        output_index: at,
        item: { ...item, status: 'in_progress', arguments: '' },
      },
      { type: 'response.function_call_arguments.delta', ...place, delta: text },
      { type: 'response.function_call_arguments.done', ...place, arguments: text },
      { type: 'response.output_item.done', output_index: at, item: done },
    ];
    return { done, events };
  });
  const items = made.map(({ done }) => done);
  return rendered(
    model,
    items,
    made.flatMap(({ events }) => events),
  );
}

type AnswerEvent = Readonly<{ type: string } & Record<string, unknown>>;

function rendered(model: string, output: readonly object[], events: readonly AnswerEvent[]): Buffer {
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 1_760_000_000,
    model,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    store: false,
    tool_choice: 'auto',
  };
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  const all = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...events,
    { type: 'response.completed', response: { ...response, status: 'completed', output, usage: USAGE } },
  ];
  const text = all.map(({ type, ...fields }, at) => {
    const data = JSON.stringify({ type, sequence_number: at, ...fields });
    return `event: ${type}\ndata: ${data}\n\n`;
  });
  return Buffer.from(text.join(''));
}

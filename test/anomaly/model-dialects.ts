import { EVENT_STREAM, type Reply, sse } from '../model/model-server.ts';

export type Api = 'responses' | 'chat';

/** How one wire says things: events to put into a stream. */
export type Dialect = Readonly<{
  api: Api;
  say(delta: string): readonly unknown[];
  call(call: Readonly<{ index?: number; id?: string; name: string; text: string }>): readonly unknown[];
  /** A piece of the arguments of the call at 0, of which no more than that need follow. */
  argument(piece: string): readonly unknown[];
  error(code: string, message: string): readonly unknown[];
  /** The end: the model has said all, or as much as it was let. */
  stop: readonly unknown[];
  cutShort: readonly unknown[];
}>;

const ended = (status: string, more: object = {}) => ({
  type: `response.${status}`,
  response: { id: 'resp_1', status, output: [], ...more },
});
const chunk = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
});

export const DIALECTS: Readonly<Record<Api, Dialect>> = {
  responses: {
    api: 'responses',
    say: (delta) => [{ type: 'response.output_text.delta', output_index: 0, content_index: 0, delta }],
    call: ({ index = 0, id, name, text }) => {
      const item = { id: `fc_${index}`, type: 'function_call', call_id: id, name, arguments: text };
      return [{ type: 'response.output_item.done', output_index: index, item }];
    },
    argument: (delta) => [{ type: 'response.function_call_arguments.delta', output_index: 0, delta }],
    error: (code, message) => [ended('failed', { error: { code, message } })],
    stop: [ended('completed')],
    cutShort: [ended('incomplete', { incomplete_details: { reason: 'max_output_tokens' } })],
  },
  chat: {
    api: 'chat',
    say: (content) => [chunk({ content })],
    call: ({ index = 0, id, name, text }) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }] }),
    ],
    argument: (piece) => [chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })],
    error: (code, message) => [{ error: { code, message } }],
    stop: [chunk({}, 'stop'), '[DONE]'],
    cutShort: [chunk({}, 'length'), '[DONE]'],
  },
};

/** A good status with these events or bytes as its body; then the end of it, or what `after` does. */
export function replyStream(
  body: readonly unknown[] | Buffer | string,
  after: (response: Parameters<Reply>[0]) => void = (response) => response.end(),
  headers: Readonly<Record<string, string>> = EVENT_STREAM,
): Reply {
  return (response) => {
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : sse(body);
    response.writeHead(200, headers);
    response.write(bytes, () => after(response));
  };
}

/** Each byte in a chunk of HTTP of its own, so that the client sees them one by one. */
export function replyBytewise(bytes: Buffer): Reply {
  const body = [...bytes].map((byte) => Buffer.of(0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a));
  return (response) => {
    response.writeHead(200, { ...EVENT_STREAM, 'transfer-encoding': 'chunked', connection: 'close' }).flushHeaders();
    response.socket?.end(Buffer.concat([...body, Buffer.from('0\r\n\r\n')]));
  };
}

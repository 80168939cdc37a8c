import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { ModelRequest } from './port.ts';
import { type Fields, isFields } from './wire-values.ts';

/** What the server at the other end understands. */
export type ResponsesServer = Readonly<{
  /** Whose `raw` may go back unchanged. */
  provider: string;
  model: string;
  /** Takes encrypted reasoning and custom tools, and gives them: OpenAI itself. Others stumble over them. */
  isOpenAI: boolean;
  /** Data URLs of the local images of the history, by path. */
  images: ReadonlyMap<string, string>;
}>;

/** Fields of a request that a server may refuse to know: without them the answer is the same, or nearly so. */
export const DISPENSABLE_FIELDS = ['prompt_cache_key', 'parallel_tool_calls', 'include', 'reasoning'] as const;

/** The body of a request to the Responses API: the whole history each time, and nothing kept by the server. */
export function responsesBody(request: ModelRequest, server: ResponsesServer, without: ReadonlySet<string>): Fields {
  const { instructions, tools, effort, outputSchema } = request;
  const body: Fields = {
    model: server.model,
    ...(instructions === null ? {} : { instructions }),
    input: inputItems(request.history, server),
    stream: true,
    store: false,
    prompt_cache_key: request.cacheKey,
    ...(server.isOpenAI ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            name,
            description,
            parameters,
            strict: false,
          })),
          parallel_tool_calls: request.parallelToolCalls,
        }),
    ...(effort === undefined ? {} : { reasoning: server.isOpenAI ? { effort, summary: 'auto' } : { effort } }),
    ...(outputSchema === undefined
      ? {}
      : { text: { format: { type: 'json_schema', name: 'output', schema: outputSchema, strict: true } } }),
  };
  return Object.fromEntries(Object.entries(body).filter(([field]) => !without.has(field)));
}

/** The history as input items. What this provider sent goes back unchanged. */
export function inputItems(history: readonly HistoryEntry[], server: ResponsesServer): readonly unknown[] {
  return history.flatMap((entry, at) => {
    if (entry.type === 'reasoning') return isReasoningOf(history, at, server) ? [entry.raw?.item] : [];
    return [sentItem(entry, server) ?? inputItem(entry, server)];
  });
}

/** Paths of the local images that a history shows, each once. */
export function localImages(history: readonly HistoryEntry[]): ReadonlySet<string> {
  const parts = history.flatMap((entry) =>
    entry.type === 'message' && entry.role !== 'assistant' ? entry.content : [],
  );
  return new Set(parts.flatMap((part) => (part.type === 'local-image' ? part.path : [])));
}

/** What this provider sent for the entry; null when it was another, or when the item would not be understood. */
function sentItem(entry: HistoryEntry, server: ResponsesServer): unknown {
  if (!('raw' in entry) || entry.raw?.provider !== server.provider) return null;
  return entry.type === 'call' && entry.custom && !server.isOpenAI ? null : entry.raw.item;
}

function inputItem(entry: Exclude<HistoryEntry, { type: 'reasoning' }>, server: ResponsesServer): Fields {
  switch (entry.type) {
    case 'message':
      return entry.role === 'assistant'
        ? { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: entry.text }] }
        : { type: 'message', role: entry.role, content: entry.content.map((part) => inputPart(part, server)) };
    case 'call':
      if (entry.custom && server.isOpenAI) {
        return { type: 'custom_tool_call', call_id: entry.callId, name: entry.name, input: entry.arguments };
      }
      return {
        type: 'function_call',
        call_id: entry.callId,
        name: entry.name,
        arguments: entry.custom ? JSON.stringify({ input: entry.arguments }) : entry.arguments,
      };
    case 'output': {
      const type = entry.custom && server.isOpenAI ? 'custom_tool_call_output' : 'function_call_output';
      return { type, call_id: entry.callId, output: entry.output.toWellFormed() };
    }
  }
}

function inputPart(part: InputPart, { images }: ResponsesServer): Fields {
  if (part.type === 'text') return { type: 'input_text', text: part.text.toWellFormed() };
  const url = part.type === 'image' ? part.url : images.get(part.path);
  return url === undefined
    ? { type: 'input_text', text: 'There was an image here that could not be read.' }
    : { type: 'input_image', image_url: url, detail: 'auto' };
}

/**
 * Whether a reasoning may go back. OpenAI takes it only with its encrypted content, and only before what came of it:
 * a message or a call of the same answer, as it was sent.
 */
function isReasoningOf(history: readonly HistoryEntry[], at: number, server: ResponsesServer): boolean {
  const entry = history[at];
  if (!server.isOpenAI || entry?.type !== 'reasoning' || entry.raw?.provider !== server.provider) return false;
  if (!isFields(entry.raw.item) || typeof entry.raw.item.encrypted_content !== 'string') return false;
  const next = history.slice(at + 1).find((later) => later.type !== 'reasoning');
  return next !== undefined && 'raw' in next && next.raw?.provider === server.provider;
}

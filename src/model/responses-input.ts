import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { Server } from './endpoint.ts';
import { IMAGE_MISSING, imageUrl } from './images.ts';
import type { ModelRequest, ToolSpec } from './port.ts';
import { DEVELOPER_ROLE, type Refusable, refusableField } from './refusals.ts';
import { outputType } from './responses-items.ts';
import { isSendableName, sendableArguments, sendableName } from './sendable-call.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from './wire-values.ts';

/** What is left out of requests of the Responses API once a server has refused to know it. */
export const RESPONSES_REFUSABLES: readonly Refusable[] = [
  ...['prompt_cache_key', 'parallel_tool_calls', 'include', 'reasoning', 'store'].map((name) => refusableField(name)),
  refusableField('text', /\btext\.format\b|json_schema|structured output/i, false),
  { ...DEVELOPER_ROLE, isIn: (body) => listOf(body.input).some((item) => fieldsOf(item).role === 'developer') },
];

/** The body of a request to the Responses API: the whole history each time, and nothing kept by the server. */
export function responsesBody(request: ModelRequest, server: Server, without: ReadonlySet<string>): Fields {
  return { ...responsesHead(request, server, without), input: inputItems(request.history, server, without) };
}

/** The body but for its input. */
export function responsesHead(
  request: Omit<ModelRequest, 'history'>,
  server: Omit<Server, 'images'>,
  without: ReadonlySet<string>,
): Fields {
  const { instructions, tools, effort, outputSchema } = request;
  const head: Fields = {
    model: server.model,
    ...(instructions === null ? {} : { instructions }),
    stream: true,
    store: false,
    prompt_cache_key: request.cacheKey,
    ...(server.isOpenAI ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(sentTool),
          parallel_tool_calls: request.parallelToolCalls,
        }),
    ...(effort === undefined ? {} : { reasoning: server.isOpenAI ? { effort, summary: 'auto' } : { effort } }),
    ...(outputSchema === undefined
      ? {}
      : { text: { format: { type: 'json_schema', name: 'output', schema: outputSchema, strict: true } } }),
  };
  return without.size === 0 ? head : Object.fromEntries(Object.entries(head).filter(([field]) => !without.has(field)));
}

/** A tool as it is told. */
export function sentTool({ name, description, parameters }: ToolSpec): Fields {
  return { type: 'function', name, description, parameters, strict: false };
}

/** The history, from one place of it on, as input items. What this provider sent goes back unchanged. */
export function inputItems(
  history: readonly HistoryEntry[],
  server: Server,
  without: ReadonlySet<string> = NOTHING,
  from = 0,
  to = history.length,
): readonly unknown[] {
  const developer = without.has(DEVELOPER_ROLE.name) ? 'system' : 'developer';
  const items: unknown[] = [];
  for (let at = from; at < to; at += 1) {
    const entry = history[at];
    if (entry === undefined) break;
    if (entry.type !== 'reasoning') items.push(sentItem(entry, server) ?? inputItem(entry, server, developer));
    else if (isReasoningOf(history, at, server)) items.push(entry.raw?.item);
  }
  return items;
}

const NOTHING: ReadonlySet<string> = new Set();

/** What this provider sent for the entry; null when it was another, or when the item would not be understood. */
function sentItem(entry: HistoryEntry, server: Server): unknown {
  if (!('raw' in entry) || entry.raw?.provider !== server.provider) return null;
  const { item } = entry.raw;
  // The same provider may have been spoken to over Chat Completions before.
  if (!isFields(item) || outputType(item) !== entry.type) return null;
  if (entry.type !== 'call') return item;
  if (!isSendableName(entry.name)) return null;
  if (server.isOpenAI) return item;
  return entry.custom || sendableArguments(entry.arguments) !== entry.arguments ? null : item;
}

type Sayable = Exclude<HistoryEntry, { type: 'reasoning' }>;

function inputItem(entry: Sayable, server: Server, developer: 'developer' | 'system'): Fields {
  switch (entry.type) {
    case 'message': {
      if (entry.role === 'assistant') {
        return {
          type: 'message',
          role: entry.role,
          content: [{ type: 'output_text', text: entry.text.toWellFormed() }],
        };
      }
      const role = entry.role === 'user' ? entry.role : developer;
      return { type: 'message', role, content: entry.content.map((part) => inputPart(part, server)) };
    }
    case 'call': {
      const name = sendableName(entry.name);
      if (entry.custom && server.isOpenAI) {
        return { type: 'custom_tool_call', call_id: entry.callId, name, input: entry.arguments };
      }
      const text = entry.custom ? JSON.stringify({ input: entry.arguments }) : entry.arguments;
      const sent = server.isOpenAI ? text : sendableArguments(text);
      return { type: 'function_call', call_id: entry.callId, name, arguments: sent };
    }
    case 'output': {
      const type = entry.custom && server.isOpenAI ? 'custom_tool_call_output' : 'function_call_output';
      return { type, call_id: entry.callId, output: entry.output.toWellFormed() };
    }
  }
}

function inputPart(part: InputPart, { images }: Server): Fields {
  if (part.type === 'text') return { type: 'input_text', text: part.text.toWellFormed() };
  const url = imageUrl(part, images);
  return url === undefined
    ? { type: 'input_text', text: IMAGE_MISSING }
    : { type: 'input_image', image_url: url, detail: 'auto' };
}

/**
 * Whether a reasoning may go back: with its encrypted content, to who gave it, and only before what came of it: a
 * message or a call of the same answer, as it was sent.
 */
function isReasoningOf(history: readonly HistoryEntry[], at: number, server: Server): boolean {
  const entry = history[at];
  if (entry?.type !== 'reasoning' || entry.raw?.provider !== server.provider) return false;
  const { item } = entry.raw;
  if (!isFields(item) || outputType(item) !== 'reasoning' || !textOf(item.encrypted_content)) return false;
  for (let after = at + 1; after < history.length; after += 1) {
    const next = history[after];
    if (next !== undefined && next.type !== 'reasoning') return sentItem(next, server) !== null;
  }
  return false;
}

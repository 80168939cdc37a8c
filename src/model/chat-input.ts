import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { Server } from './endpoint.ts';
import { IMAGE_MISSING, type ImageUrls, imageUrl } from './images.ts';
import type { ModelRequest } from './port.ts';
import { DEVELOPER_ROLE, type Refusable, refusableField } from './refusals.ts';
import { sendableArguments, sendableName } from './sendable-call.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from './wire-values.ts';

/** Under which names servers give the reasoning of a message, and some want it back. */
export const REASONING_FIELDS = ['reasoning_content', 'reasoning'] as const;

/** What is left out of requests of Chat Completions once a server has refused to know it. */
export const CHAT_REFUSABLES: readonly Refusable[] = [
  ...['prompt_cache_key', 'parallel_tool_calls', 'stream_options', 'reasoning_effort'].map((name) =>
    refusableField(name),
  ),
  refusableField('response_format', /\bresponse_format\b|json_schema|structured output/i, false),
  { ...DEVELOPER_ROLE, isIn: (body) => messagesOf(body).some(({ role }) => role === 'developer') },
  ...REASONING_FIELDS.map((name) => ({
    name,
    words: new RegExp(`\\b${name}\\b`),
    byParam: false,
    isIn: (body: Fields) => messagesOf(body).some((message) => name in message),
  })),
];

function messagesOf(body: Fields): readonly Fields[] {
  return listOf(body.messages).map(fieldsOf);
}

/** The body of a request to Chat Completions: the whole history each time. */
export function chatBody(request: ModelRequest, server: Server, without: ReadonlySet<string>): Fields {
  const { tools, effort, outputSchema } = request;
  const body: Fields = {
    model: server.model,
    messages: chatMessages(request, server, without),
    stream: true,
    stream_options: { include_usage: true },
    ...(server.isOpenAI ? { prompt_cache_key: request.cacheKey } : {}),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            function: { name, description, parameters },
          })),
          parallel_tool_calls: request.parallelToolCalls,
        }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(outputSchema === undefined
      ? {}
      : {
          response_format: { type: 'json_schema', json_schema: { name: 'output', schema: outputSchema, strict: true } },
        }),
  };
  return without.size === 0 ? body : Object.fromEntries(Object.entries(body).filter(([field]) => !without.has(field)));
}

/**
 * The instructions and the history as messages. What the model said in one step becomes one message, its calls in it;
 * the outputs of the calls come right after it, whatever stood between, because servers accept no other order.
 */
export function chatMessages(
  { instructions, history }: Pick<ModelRequest, 'instructions' | 'history'>,
  server: Server,
  without: ReadonlySet<string>,
): readonly Fields[] {
  const developer = server.isOpenAI && !without.has(DEVELOPER_ROLE.name) ? 'developer' : null;
  const begin = developer === null ? history.findIndex((entry) => !isDeveloper(entry)) : 0;
  const first = begin === -1 ? history.length : begin;
  // Templates of local models take one system message, at the very beginning.
  const system = [...(instructions === null ? [] : [instructions]), ...history.slice(0, first).map(textOfEntry)];
  const outputs = new Map(history.flatMap((entry) => (entry.type === 'output' ? [[entry.callId, entry.output]] : [])));
  const messages: Fields[] =
    system.length === 0 ? [] : [{ role: 'system', content: system.join('\n\n').toWellFormed() }];
  let step = emptyStep();
  const flush = () => {
    messages.push(...stepMessages(step, outputs));
    step = emptyStep();
  };
  for (const entry of history.slice(first)) {
    switch (entry.type) {
      case 'message':
        if (entry.role === 'assistant') {
          if (step.calls.length > 0) flush();
          if (entry.text !== '') step.texts.push(entry.text);
          break;
        }
        flush();
        messages.push({
          role: entry.role === 'developer' ? (developer ?? 'user') : entry.role,
          content: contentOf(entry.content, server.images),
        });
        break;
      case 'reasoning': {
        if (step.calls.length > 0) flush();
        const field = reasoningField(entry, server.provider);
        if (field !== undefined && !without.has(field)) step.reasoning[field] = entry.text;
        break;
      }
      case 'call':
        step.calls.push({ callId: entry.callId, call: toolCall(entry, server.provider) });
        break;
      case 'output':
        flush();
        break;
      default:
        entry satisfies never;
    }
  }
  flush();
  return messages;
}

/** What the model said in one step. */
type Step = {
  readonly texts: string[];
  readonly reasoning: Record<string, string>;
  readonly calls: { callId: string; call: Fields }[];
};

function emptyStep(): Step {
  return { texts: [], reasoning: {}, calls: [] };
}

function stepMessages({ texts, reasoning, calls }: Step, outputs: ReadonlyMap<string, string>): readonly Fields[] {
  if (texts.length === 0 && calls.length === 0) return [];
  const content = texts.length === 0 ? null : texts.join('\n\n').toWellFormed();
  if (calls.length === 0) return [{ role: 'assistant', content }];
  return [
    { role: 'assistant', content, ...reasoning, tool_calls: calls.map(({ call }) => call) },
    ...calls.map(({ callId }) => ({
      role: 'tool',
      tool_call_id: callId,
      content: (outputs.get(callId) ?? 'aborted').toWellFormed(),
    })),
  ];
}

/** A call as it goes back, with what this provider had put beside it (signatures of thoughts, …). */
function toolCall(entry: Extract<HistoryEntry, { type: 'call' }>, provider: string): Fields {
  const { callId, custom, raw } = entry;
  const sent = raw?.provider === provider && isFields(raw.item) && raw.item.type === 'function' ? raw.item : {};
  const text = custom ? JSON.stringify({ input: entry.arguments }) : sendableArguments(entry.arguments);
  return { ...sent, id: callId, type: 'function', function: { name: sendableName(entry.name), arguments: text } };
}

/** The field in which this provider gave a reasoning over Chat Completions. */
function reasoningField({ raw }: Extract<HistoryEntry, { type: 'reasoning' }>, provider: string) {
  if (raw?.provider !== provider || !isFields(raw.item)) return undefined;
  const field = textOf(raw.item.field);
  return REASONING_FIELDS.find((name) => name === field);
}

/** Text as a string, because many servers take no parts; parts where there are images. */
function contentOf(parts: readonly InputPart[], images: ImageUrls): string | readonly Fields[] {
  const shown = parts.map((part): Fields => {
    if (part.type === 'text') return { type: 'text', text: part.text.toWellFormed() };
    const url = imageUrl(part, images);
    return url === undefined ? { type: 'text', text: IMAGE_MISSING } : { type: 'image_url', image_url: { url } };
  });
  const texts = shown.flatMap(({ text }) => textOf(text) ?? []);
  return texts.length === shown.length ? texts.join('\n') : shown;
}

function isDeveloper(entry: HistoryEntry): boolean {
  return entry.type === 'message' && entry.role === 'developer' && entry.content.every(({ type }) => type === 'text');
}

function textOfEntry(entry: HistoryEntry): string {
  return entry.type === 'message' && entry.role !== 'assistant'
    ? entry.content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n')
    : '';
}

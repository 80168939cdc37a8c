import type { ModelRequest } from '../model/port.ts';
import { itemText } from '../model/responses-items.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../model/wire-values.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { Usage } from '../protocol/usage.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import {
  type PlayedScript,
  playScript,
  type Script,
  type ScriptedAnswer,
  type ScriptedOutput,
  type ScriptReport,
} from './script.ts';

export type ScriptedWireOptions = Readonly<{
  /** Counts `afterMs`. */
  clock?: Clock;
  /** How many bytes a chunk of the stream has; 48 when absent: less than an event, so that events come in pieces. */
  chunkBytes?: number;
}>;

export type ScriptedWire = ScriptReport & Readonly<{ fetch: typeof globalThis.fetch }>;

/**
 * Not a language model: a server of the Responses API, behind a `fetch`, that says what the script says. It sends the
 * bytes that a real one sends, so that the adapter, its retries and its reader are in the loop:
 * `openaiModel({ model: 'scripted', baseURL: 'http://scripted.invalid/v1', fetch: wire.fetch })`.
 */
export function scriptedWire(script: Script, options: ScriptedWireOptions = {}): ScriptedWire {
  const played = playScript(script, options.clock ?? systemClock);
  return {
    ...played.report,
    async fetch(input, init) {
      const signal = init?.signal ?? (input instanceof Request ? input.signal : new AbortController().signal);
      signal.throwIfAborted();
      const request = new Request(input, { ...init, signal: null });
      if (request.method !== 'POST' || !new URL(request.url).pathname.endsWith('/responses')) {
        return refuse(played, `Expected a POST to …/responses, got ${request.method} ${request.url}.`);
      }
      const body: unknown = await request.json().catch(() => null);
      if (!isFields(body) || body.stream !== true)
        return refuse(played, 'Expected a JSON body that asks for a stream.');
      const id = `resp_${played.report.requests.length + 1}`;
      const answer = await played.answer(modelRequestOf(body), signal);
      signal.throwIfAborted();
      if (answer === null) throw new DOMException('The request was aborted.', 'AbortError');
      return respond(answer, { id, signal, chunkBytes: options.chunkBytes ?? CHUNK_BYTES });
    },
  };
}

const CHUNK_BYTES = 48;

function refuse(played: PlayedScript, complaint: string): Response {
  played.complain(complaint);
  return Response.json({ error: { type: 'invalid_request_error', message: complaint } }, { status: 404 });
}

type Sending = Readonly<{ id: string; signal: AbortSignal; chunkBytes: number }>;

function respond(answer: ScriptedAnswer, sending: Sending): Response {
  const { ending, outputs } = answer;
  if (ending.how === 'failed' && outputs.length === 0) {
    const { code, retryable, message } = ending.error;
    if (code === 'model-unreachable') {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code: 'ECONNREFUSED' }) });
    }
    if (code !== 'stream-cut') {
      const { status, error } = httpError(code, retryable);
      return Response.json({ error: { type: error, code: error, message } }, { status });
    }
  }
  const text = answerEvents(answer, sending.id)
    .map((event, number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`)
    .join('');
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
  return new Response(streamOf(new TextEncoder().encode(text), ending.how === 'hangs', sending), { headers });
}

/** The status and the code with which OpenAI says what the script means. */
function httpError(code: string, retryable: boolean): { status: number; error: string } {
  switch (code) {
    case 'unauthorized':
      return { status: 401, error: 'invalid_api_key' };
    case 'rate-limited':
      return { status: 429, error: retryable ? 'rate_limit_exceeded' : 'insufficient_quota' };
    case 'context-window-exceeded':
      return { status: 400, error: 'context_length_exceeded' };
    case 'model-refused':
      return { status: 400, error: 'content_policy_violation' };
    default:
      return retryable ? { status: 500, error: 'server_error' } : { status: 400, error: 'invalid_request_error' };
  }
}

function streamOf(bytes: Uint8Array, hangs: boolean, { signal, chunkBytes }: Sending): ReadableStream<Uint8Array> {
  let sent = 0;
  let onAbort = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort = () => controller.error(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
      },
      pull(controller) {
        if (sent < bytes.length) {
          controller.enqueue(bytes.subarray(sent, sent + chunkBytes));
          sent += chunkBytes;
          return undefined;
        }
        // A pull that never settles: nothing more comes, and the stream stays open until it is aborted.
        if (hangs) return new Promise(() => {});
        signal.removeEventListener('abort', onAbort);
        controller.close();
        return undefined;
      },
      cancel() {
        signal.removeEventListener('abort', onAbort);
      },
    },
    { highWaterMark: 0 },
  );
}

type WireEvent = Readonly<{ type: string } & Record<string, unknown>>;

/** The events of an answer, as the Responses API sends them. */
function answerEvents({ outputs, ending, usage }: ScriptedAnswer, id: string): readonly WireEvent[] {
  const unfinished = ending.how === 'hangs' || ending.how === 'failed' ? outputs.length - 1 : -1;
  const items = outputs.map((output, at) => itemEvents(output, { id: `${id}_${at}`, at, finished: at !== unfinished }));
  const response = (status: string, more: Fields) => ({ id, object: 'response', status, output: [], ...more });
  const begun = ['response.created', 'response.in_progress'].map((type) => ({
    type,
    response: response('in_progress', {}),
  }));
  return [...begun, ...items.flatMap(({ events }) => events), ...endEvents()];

  function endEvents(): readonly WireEvent[] {
    const whole = { output: items.map(({ item }) => item), usage: usage === null ? null : wireUsage(usage) };
    switch (ending.how) {
      case 'completed':
        return [{ type: 'response.completed', response: response('completed', whole) }];
      case 'incomplete':
        return [
          {
            type: 'response.incomplete',
            response: response('incomplete', { ...whole, incomplete_details: { reason: ending.reason } }),
          },
        ];
      case 'failed': {
        if (ending.error.code === 'stream-cut') return [];
        const error = {
          code: httpError(ending.error.code, ending.error.retryable).error,
          message: ending.error.message,
        };
        return [{ type: 'response.failed', response: response('failed', { error, usage: whole.usage }) }];
      }
      case 'hangs':
        return [];
    }
  }
}

type Item = Readonly<{ events: readonly WireEvent[]; item: Fields }>;

function itemEvents(output: ScriptedOutput, place: { id: string; at: number; finished: boolean }): Item {
  const at = { output_index: place.at };
  const { begun, whole, events } = itemParts(output, place.id);
  const pieces = events.map((event) => ({ ...event, ...at, item_id: whole.id }));
  const done = place.finished
    ? [...pieces, { type: 'response.output_item.done', ...at, item: whole }]
    : pieces.filter(({ type }) => type.endsWith('.added') || type.endsWith('.delta'));
  return { events: [{ type: 'response.output_item.added', ...at, item: begun }, ...done], item: whole };
}

type ItemParts = Readonly<{ begun: Fields; whole: Fields; events: readonly WireEvent[] }>;

function itemParts({ output, deltas }: ScriptedOutput, id: string): ItemParts {
  switch (output.type) {
    case 'message': {
      const part = (text: string) => ({ type: 'output_text', text, annotations: [] });
      const item = { id: `msg_${id}`, type: 'message', role: 'assistant' };
      const at = { content_index: 0 };
      return {
        begun: { ...item, status: 'in_progress', content: [] },
        whole: { ...item, status: 'completed', content: [part(output.text)] },
        events: [
          { type: 'response.content_part.added', ...at, part: part('') },
          ...deltas.map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
          { type: 'response.output_text.done', ...at, text: output.text },
          { type: 'response.content_part.done', ...at, part: part(output.text) },
        ],
      };
    }
    case 'reasoning': {
      const part = (text: string) => ({ type: 'summary_text', text });
      const item = { id: `rs_${id}`, type: 'reasoning' };
      const at = { summary_index: 0 };
      return {
        begun: { ...item, summary: [] },
        whole: { ...item, summary: [part(output.text)], encrypted_content: `scripted:${id}` },
        events: [
          { type: 'response.reasoning_summary_part.added', ...at, part: part('') },
          ...deltas.map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...at, delta })),
          { type: 'response.reasoning_summary_text.done', ...at, text: output.text },
          { type: 'response.reasoning_summary_part.done', ...at, part: part(output.text) },
        ],
      };
    }
    case 'call': {
      const { callId, name, custom, arguments: text } = output;
      const field = custom ? 'input' : 'arguments';
      const event = custom ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
      const item = { id: `fc_${id}`, type: custom ? 'custom_tool_call' : 'function_call', call_id: callId, name };
      return {
        begun: { ...item, status: 'in_progress', [field]: '' },
        whole: { ...item, status: 'completed', [field]: text },
        events: [
          { type: `${event}.delta`, delta: text },
          { type: `${event}.done`, [field]: text },
        ],
      };
    }
  }
}

function wireUsage(usage: Usage): Fields {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.totalTokens,
  };
}

/** The request that the adapter was given, as far as its bytes still tell. */
function modelRequestOf(body: Fields): ModelRequest {
  const effort = EFFORTS.find((word) => word === fieldsOf(body.reasoning).effort);
  const format = fieldsOf(fieldsOf(body.text).format);
  return {
    instructions: textOf(body.instructions),
    history: listOf(body.input).flatMap((item) => historyEntryOf(fieldsOf(item)) ?? []),
    tools: listOf(body.tools).map((tool) => {
      const { name, description, parameters } = fieldsOf(tool);
      return { name: textOf(name) ?? '', description: textOf(description) ?? '', parameters: fieldsOf(parameters) };
    }),
    parallelToolCalls: body.parallel_tool_calls === true,
    ...(effort === undefined ? {} : { effort }),
    ...(format.type === 'json_schema' ? { outputSchema: format.schema } : {}),
    cacheKey: textOf(body.prompt_cache_key) ?? '',
  };
}

const EFFORTS = ['minimal', 'low', 'medium', 'high'] as const;

function historyEntryOf(item: Fields): HistoryEntry | null {
  const callId = textOf(item.call_id) ?? '';
  const name = textOf(item.name) ?? '';
  switch (item.type) {
    case 'message':
      return item.role === 'assistant'
        ? { type: 'message', role: 'assistant', text: itemText(item) }
        : {
            type: 'message',
            role: item.role === 'developer' ? 'developer' : 'user',
            content: inputPartsOf(item.content),
          };
    case 'reasoning':
      return { type: 'reasoning', text: itemText(item) };
    case 'function_call':
      return { type: 'call', callId, name, arguments: textOf(item.arguments) ?? '' };
    case 'custom_tool_call':
      return { type: 'call', callId, name, arguments: textOf(item.input) ?? '', custom: true };
    case 'function_call_output':
      return { type: 'output', callId, output: textOf(item.output) ?? '' };
    case 'custom_tool_call_output':
      return { type: 'output', callId, output: textOf(item.output) ?? '', custom: true };
    default:
      return null;
  }
}

function inputPartsOf(content: unknown): readonly InputPart[] {
  return listOf(content).map((part) => {
    const { type, text, image_url } = fieldsOf(part);
    return type === 'input_image'
      ? { type: 'image', url: textOf(image_url) ?? '' }
      : { type: 'text', text: textOf(text) ?? '' };
  });
}

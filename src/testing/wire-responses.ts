import type { ModelRequest } from '../model/port.ts';
import { itemText } from '../model/responses-items.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../model/wire-values.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { Usage } from '../protocol/usage.ts';
import type { ScriptedAnswer, ScriptedOutput } from './script.ts';
import { effortOf, httpError } from './wire-words.ts';

type WireEvent = Readonly<{ type: string } & Record<string, unknown>>;

/** The stream of an answer, as the Responses API sends it. */
export function responsesText(answer: ScriptedAnswer, id: string): string {
  return answerEvents(answer, id)
    .map((event, number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`)
    .join('');
}

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
export function responsesRequest(body: Fields): ModelRequest {
  const effort = effortOf(fieldsOf(body.reasoning).effort);
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

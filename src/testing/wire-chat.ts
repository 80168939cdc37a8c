import type { ModelRequest } from '../model/port.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../model/wire-values.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import type { Usage } from '../protocol/usage.ts';
import type { ScriptedAnswer, ScriptedOutput } from './script.ts';
import { effortOf, httpError } from './wire-words.ts';

/** The stream of an answer, as Chat Completions send it; the count of tokens only to who asks for it. */
export function chatText(answer: ScriptedAnswer, id: string, body: Fields): string {
  const isCounted = fieldsOf(body.stream_options).include_usage === true;
  return answerChunks(answer, isCounted)
    .map((chunk) =>
      typeof chunk === 'string' ? chunk : JSON.stringify({ id, object: 'chat.completion.chunk', ...chunk }),
    )
    .map((data) => `data: ${data}\n\n`)
    .join('');
}

function answerChunks({ outputs, ending, usage }: ScriptedAnswer, isCounted: boolean): readonly (Fields | string)[] {
  const calls = outputs.filter(({ output }) => output.type === 'call');
  const said = outputs.flatMap((output) => deltasOf(output, calls.indexOf(output)));
  const begun = [chunkOf({ role: 'assistant', content: '' }), ...said.map((delta) => chunkOf(delta))];
  const counted = isCounted && usage !== null ? [{ choices: [], usage: wireUsage(usage) }] : [];
  switch (ending.how) {
    case 'completed':
      return [...begun, chunkOf({}, calls.length > 0 ? 'tool_calls' : 'stop'), ...counted, DONE];
    case 'incomplete':
      return [
        ...begun,
        chunkOf({}, ending.reason === 'max_output_tokens' ? 'length' : 'content_filter'),
        ...counted,
        DONE,
      ];
    case 'failed': {
      if (ending.error.code === 'stream-cut') return begun;
      const code = httpError(ending.error.code, ending.error.retryable).error;
      return [...begun, { error: { code, message: ending.error.message } }];
    }
    case 'hangs':
      return begun;
  }
}

const DONE = '[DONE]';

function chunkOf(delta: Fields, finish_reason: string | null = null): Fields {
  return { choices: [{ index: 0, delta, finish_reason }] };
}

/** A call comes in three pieces: its name, and its arguments in halves. */
function deltasOf({ output, deltas }: ScriptedOutput, index: number): readonly Fields[] {
  switch (output.type) {
    case 'message':
      return deltas.map((content) => ({ content }));
    case 'reasoning':
      return deltas.map((text) => ({ reasoning_content: text }));
    case 'call': {
      const { callId, name, arguments: text } = output;
      const half = Math.floor(text.length / 2);
      const pieces = [text.slice(0, half), text.slice(half)];
      return [
        { tool_calls: [{ index, id: callId, type: 'function', function: { name, arguments: '' } }] },
        ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ];
    }
  }
}

function wireUsage(usage: Usage): Fields {
  return {
    prompt_tokens: usage.inputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens: usage.outputTokens,
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.totalTokens,
  };
}

/** The request that the adapter was given, as far as its bytes still tell: there is no reasoning in them. */
export function chatRequest(body: Fields): ModelRequest {
  const effort = effortOf(body.reasoning_effort);
  const format = fieldsOf(body.response_format);
  const messages = listOf(body.messages).map(fieldsOf);
  const [first, ...rest] = messages;
  const hasInstructions = first?.role === 'system';
  return {
    instructions: hasInstructions ? textOf(first.content) : null,
    history: (hasInstructions ? rest : messages).flatMap(historyEntriesOf),
    tools: listOf(body.tools).map((tool) => {
      const { name, description, parameters } = fieldsOf(fieldsOf(tool).function);
      return { name: textOf(name) ?? '', description: textOf(description) ?? '', parameters: fieldsOf(parameters) };
    }),
    parallelToolCalls: body.parallel_tool_calls === true,
    ...(effort === undefined ? {} : { effort }),
    ...(format.type === 'json_schema' ? { outputSchema: fieldsOf(format.json_schema).schema } : {}),
    cacheKey: textOf(body.prompt_cache_key) ?? sessionOf(messages),
  };
}

/** Only OpenAI is told which session asks; elsewhere what the user said first stands for it. */
function sessionOf(messages: readonly Fields[]): string {
  const first = messages.find(({ role }) => role === 'user')?.content;
  return textOf(first) ?? JSON.stringify(first ?? '');
}

function historyEntriesOf(message: Fields): readonly HistoryEntry[] {
  const text = textOf(message.content);
  switch (message.role) {
    case 'assistant': {
      const calls = listOf(message.tool_calls).map(fieldsOf).map(callOf);
      return [...(text === null ? [] : [{ type: 'message', role: 'assistant', text } as const]), ...calls];
    }
    case 'tool':
      return [{ type: 'output', callId: textOf(message.tool_call_id) ?? '', output: text ?? '' }];
    default: {
      const content = text === null ? listOf(message.content).map(inputPartOf) : [{ type: 'text', text } as const];
      return [{ type: 'message', role: message.role === 'user' ? 'user' : 'developer', content }];
    }
  }
}

function callOf({ id, function: called }: Fields): HistoryEntry {
  const { name, arguments: text } = fieldsOf(called);
  return { type: 'call', callId: textOf(id) ?? '', name: textOf(name) ?? '', arguments: textOf(text) ?? '' };
}

function inputPartOf(part: unknown): InputPart {
  const { type, text, image_url } = fieldsOf(part);
  return type === 'image_url'
    ? { type: 'image', url: textOf(fieldsOf(image_url).url) ?? '' }
    : { type: 'text', text: textOf(text) ?? '' };
}

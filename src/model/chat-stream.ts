import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import type { AnswerStream } from './answer-stream.ts';
import { createChatCalls } from './chat-calls.ts';
import { REASONING_FIELDS } from './chat-input.ts';
import { protocolFault } from './faults.ts';
import { complete, createOutputs, finishSaid, NOTHING, type Slot, say, started } from './outputs.ts';
import type { ModelProgress } from './port.ts';
import { createStreamEnding, ITEM_LEVELS_MAX } from './stream-ending.ts';
import { countOf, type Fields, fieldsOf, isDeeperThan, isFields, listOf, textOf } from './wire-values.ts';

/**
 * Reads the chunks of one streamed answer of Chat Completions. Outputs are numbered in the order in which they begin.
 * Nothing is taken for granted but this: an answer is whole only once a chunk says why it finished, and calls are told
 * only then. What it cost may come before, with or after that chunk, or never.
 * `callIdPrefix` begins the ids of calls to which the server gave none; `where` is the base URL, for messages.
 */
export function createChatStream(options: { callIdPrefix: string; where: string }): AnswerStream {
  const outputs = createOutputs();
  const calls = createChatCalls(outputs);
  const ending = createStreamEnding(options.where);
  let message: Slot | null = null;
  let reasoning: Slot | null = null;
  let reasoningField: string | null = null;
  let usage: Usage | null = null;
  let finish: Finish | null = null;
  let events = 0;

  function read(chunk: Fields): readonly ModelProgress[] {
    if ((chunk.error !== undefined && chunk.error !== null) || chunk.type === 'error' || chunk.object === 'error') {
      ending.fail(ending.faultIn(chunk), usage);
      return NOTHING;
    }
    usage = chatUsage(chunk.usage) ?? chatUsage(fieldsOf(chunk.x_groq).usage) ?? usage;
    // Only the first choice was asked for.
    const choice = fieldsOf(listOf(chunk.choices).find((entry) => !countOf(fieldsOf(entry).index)));
    const told = finish === null ? readDelta(fieldsOf(choice.delta ?? choice.message)) : NOTHING;
    const reason = textOf(choice.finish_reason);
    return !reason || finish !== null || ending.ended() !== null ? told : [...told, ...finishWith(reason)];
  }

  function readDelta(delta: Fields): readonly ModelProgress[] {
    const pieces = listOf(delta.tool_calls).filter(isFields);
    const legacy = isFields(delta.function_call) ? [{ function: delta.function_call }] : [];
    const field = REASONING_FIELDS.find((name) => textOf(delta[name])) ?? null;
    if (field !== null) reasoningField ??= field;
    return [
      ...(field === null ? NOTHING : sayReasoning(textOf(delta[field]) ?? '')),
      ...readContent(delta.content),
      ...sayMessage(textOf(delta.refusal) ?? ''),
      ...[...pieces, ...legacy].flatMap(readPiece),
    ];
  }

  function readContent(content: unknown): readonly ModelProgress[] {
    if (content === undefined || content === null) return NOTHING;
    if (typeof content === 'string') return sayMessage(content);
    if (!Array.isArray(content)) {
      ending.spoil('a delta whose content is no text');
      return NOTHING;
    }
    return content.map(fieldsOf).flatMap((part) => {
      if (part.type === 'thinking') return sayReasoning(thoughtOf(part.thinking));
      return part.type === 'text' ? sayMessage(textOf(part.text) ?? '') : NOTHING;
    });
  }

  function sayMessage(piece: string): readonly ModelProgress[] {
    if (piece === '') return NOTHING;
    const begun = message;
    message ??= open('message');
    return tell(message, piece, begun === null);
  }

  function sayReasoning(piece: string): readonly ModelProgress[] {
    if (piece === '') return NOTHING;
    const begun = reasoning;
    reasoning ??= open('reasoning');
    return tell(reasoning, piece, begun === null);
  }

  function open(type: 'message' | 'reasoning'): Slot {
    ending.countOutput();
    return outputs.open(type, { position: null, id: null });
  }

  function tell(slot: Slot, piece: string, isNew: boolean): readonly ModelProgress[] {
    ending.count(piece.length);
    return isNew ? [started(slot), ...say(slot, PART, piece)] : say(slot, PART, piece);
  }

  function readPiece(piece: Fields): readonly ModelProgress[] {
    if (isDeeperThan(piece, ITEM_LEVELS_MAX)) {
      ending.spoil(`a tool call nested deeper than ${ITEM_LEVELS_MAX} levels`);
      return NOTHING;
    }
    const { call, isNew, characters } = calls.take(piece);
    ending.count(characters);
    if (!isNew) return NOTHING;
    ending.countOutput();
    return [started(call.slot)];
  }

  function finishWith(said: string): readonly ModelProgress[] {
    finish = finishOf(said);
    if (finish.status === 'fault') {
      const what = `The model server at ${options.where} broke off the answer (${said}).`;
      ending.fail(protocolFault(what, true), usage);
      return NOTHING;
    }
    const isCut = finish.status === 'incomplete';
    return outputs.slots.flatMap((slot) => {
      if (slot.type === 'message') return finishSaid(slot, slot.type);
      if (slot.type === 'reasoning') {
        return finishSaid(slot, slot.type, reasoningField === null ? undefined : { field: reasoningField });
      }
      slot.cut = isCut;
      return isCut || ending.ended() !== null ? NOTHING : finishCall(slot);
    });
  }

  function finishCall(slot: Slot): readonly ModelProgress[] {
    const call = calls.of(slot);
    const name = call?.name.toWellFormed();
    if (call === undefined || !name) {
      ending.spoil('a tool call without a name');
      return NOTHING;
    }
    const callId = call.id?.toWellFormed() ?? `${options.callIdPrefix}${slot.index}`;
    const raw = Object.keys(call.beside).length === 0 ? {} : { raw: { ...call.beside, type: 'function' } };
    return [complete(slot, { type: 'call', callId, name, arguments: call.text.toWellFormed(), ...raw })];
  }

  function close() {
    if (finish === null || finish.status === 'fault') return ending.cut(events);
    const whole = outputs.slots.flatMap((slot) => slot.output ?? []);
    ending.end({ ...finish, outputs: whole, usage });
    return ending.cut(events);
  }

  return {
    push(event) {
      if (ending.ended() !== null) return NOTHING;
      events += 1;
      if (isFields(event)) return read(event);
      ending.spoil('an event that is no object');
      return NOTHING;
    },
    done: () => void close(),
    fail: (fault) => ending.fail(fault),
    isWhole: () => finish !== null || ending.ended() !== null,
    ended: ending.ended,
    close,
  };
}

/** A message has one part here, and so has a reasoning. */
const PART = 'content 0';

type Finish = Readonly<{ status: 'completed' } | { status: 'incomplete'; reason: string } | { status: 'fault' }>;

/** What a `finish_reason` means. One that is not known says that the model stopped of its own accord. */
function finishOf(said: string): Finish {
  if (CUT_SHORT.has(said)) return { status: 'incomplete', reason: 'max_output_tokens' };
  if (FILTERED.has(said)) return { status: 'incomplete', reason: 'content_filter' };
  return { status: BROKEN_OFF.has(said) ? 'fault' : 'completed' };
}

/** As OpenAI says it, and as others do. */
const CUT_SHORT: ReadonlySet<string> = new Set([
  'length',
  'max_tokens',
  'model_length',
  'model_context_window_exceeded',
]);
const FILTERED: ReadonlySet<string> = new Set(['content_filter', 'sensitive', 'safety']);
const BROKEN_OFF: ReadonlySet<string> = new Set(['error', 'abort', 'network_error', 'insufficient_system_resource']);

/** The thoughts in a part of Mistral's: a text, or parts with texts. */
function thoughtOf(thinking: unknown): string {
  return (
    textOf(thinking) ??
    listOf(thinking)
      .flatMap((part) => textOf(fieldsOf(part).text) ?? [])
      .join('')
  );
}

/** What the server counted; null when it did not count (absent, null or zero). */
function chatUsage(value: unknown): Usage | null {
  const fields = fieldsOf(value);
  const inputTokens = countOf(fields.prompt_tokens);
  const outputTokens = countOf(fields.completion_tokens);
  const totalTokens = countOf(fields.total_tokens) || inputTokens + outputTokens;
  if (totalTokens === 0) return null;
  const cached =
    countOf(fieldsOf(fields.prompt_tokens_details).cached_tokens) || countOf(fields.prompt_cache_hit_tokens);
  const reasoned =
    countOf(fieldsOf(fields.completion_tokens_details).reasoning_tokens) || countOf(fields.reasoning_tokens);
  return { ...NO_USAGE, inputTokens, cachedInputTokens: cached, outputTokens, reasoningTokens: reasoned, totalTokens };
}

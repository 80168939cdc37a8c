import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import { PARAGRAPH } from './outputs.ts';
import type { ModelOutput } from './port.ts';
import { countOf, type Fields, fieldsOf, isFields, listOf, textOf } from './wire-values.ts';

/** What an item of the Responses API is to us; null for kinds that we did not ask for (searches, programs, …). */
export function outputType(item: Fields): ModelOutput['type'] | null {
  switch (item.type) {
    case 'message':
      return 'message';
    case 'reasoning':
      return 'reasoning';
    case 'function_call':
    case 'custom_tool_call':
      return 'call';
    default:
      return null;
  }
}

/** The text of a message (refusals included), or of a reasoning (its summary, else its content). */
export function itemText(item: Fields): string {
  if (item.type === 'reasoning') {
    const summary = partTexts(item.summary).join(PARAGRAPH);
    return (summary === '' ? partTexts(item.content).join(PARAGRAPH) : summary).toWellFormed();
  }
  if (typeof item.content === 'string') return item.content.toWellFormed();
  return partTexts(item.content).join('').toWellFormed();
}

/** The arguments of a call as text; servers that send an object get it as JSON. Null: it has none. */
export function itemArguments(item: Fields): string | null {
  const value = item.type === 'custom_tool_call' ? item.input : item.arguments;
  if (isFields(value)) return JSON.stringify(value);
  return textOf(value)?.toWellFormed() ?? null;
}

/** Whether `output` is this item. The id of the item does not tell: some servers change it in each event. */
export function isOutputOf(output: ModelOutput, item: Fields): boolean {
  if (output.type !== outputType(item)) return false;
  if (output.type !== 'call') return output.text === itemText(item);
  const callId = textOf(item.call_id);
  return callId ? output.callId === callId : output.name === item.name && output.arguments === itemArguments(item);
}

/** What the server counted; null when it did not count (absent, null or zero). */
export function responseUsage(value: unknown): Usage | null {
  const fields = fieldsOf(value);
  const inputTokens = countOf(fields.input_tokens);
  const outputTokens = countOf(fields.output_tokens);
  const totalTokens = countOf(fields.total_tokens) || inputTokens + outputTokens;
  if (totalTokens === 0) return null;
  return {
    ...NO_USAGE,
    inputTokens,
    cachedInputTokens: countOf(fieldsOf(fields.input_tokens_details).cached_tokens),
    outputTokens,
    reasoningTokens: countOf(fieldsOf(fields.output_tokens_details).reasoning_tokens),
    totalTokens,
  };
}

function partTexts(parts: unknown): readonly string[] {
  return listOf(parts).flatMap((part) => {
    const { text, refusal } = fieldsOf(part);
    return textOf(text) ?? textOf(refusal) ?? [];
  });
}

import { isFields } from './wire-values.ts';

/** A name as servers take it back: one that a model made up may have characters that make each later request fail. */
export function sendableName(name: string): string {
  return SENDABLE.test(name) ? name : name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, NAME_CHARACTERS_MAX) || '_';
}

export function isSendableName(name: string): boolean {
  return SENDABLE.test(name);
}

/** Arguments as servers that parse them take them back: an object, also where the model wrote none. */
export function sendableArguments(text: string): string {
  if (text.trim() === '') return '{}';
  return isJsonObject(text) ? text : JSON.stringify({ malformed: text.toWellFormed() });
}

function isJsonObject(text: string): boolean {
  try {
    return isFields(JSON.parse(text));
  } catch {
    return false;
  }
}

const NAME_CHARACTERS_MAX = 64;
/** As OpenAI takes the names of functions. */
const SENDABLE = /^[a-zA-Z0-9_-]{1,64}$/;

import type { HistoryEntry } from '../protocol/history.ts';
import type { UserInput } from '../protocol/input.ts';
import type { ScriptCall, ScriptStep } from './script.ts';

/** A run that was logged: what people and the model have said in it, and what its calls came to, by call id. */
export type RecordedRun = Readonly<{
  inputs: readonly UserInput[];
  script: readonly ScriptStep[];
  outputs: ReadonlyMap<string, string>;
}>;

/**
 * What the entries of a session say of its run, so that it can be played to another version: `inputs` as the user,
 * `script` as the model. Nothing that was logged runs again; the new version calls its own tools.
 */
export function recordedRun(entries: readonly HistoryEntry[]): RecordedRun {
  const inputs: UserInput[] = [];
  const outputs = new Map<string, string>();
  const script: { say?: string; call: ScriptCall[] }[] = [];
  let answers = false;
  /** The answer that an entry is part of: all that the model says until somebody else does. */
  const answer = () => {
    const last = script.at(-1);
    if (answers && last !== undefined) return last;
    const next: (typeof script)[number] = { call: [] };
    script.push(next);
    answers = true;
    return next;
  };
  for (const entry of entries) {
    if (entry.type === 'call') {
      const { name, callId, custom } = entry;
      answer().call.push({ name, callId, arguments: entry.arguments, ...(custom === undefined ? {} : { custom }) });
    } else if (entry.type === 'message' && entry.role === 'assistant') {
      const said = answer();
      said.say = `${said.say ?? ''}${entry.text}`;
    } else if (entry.type !== 'reasoning') {
      answers = false;
      if (entry.type === 'output') outputs.set(entry.callId, entry.output);
      else if (entry.role === 'user') inputs.push(entry.content);
    }
  }
  return { inputs, script, outputs };
}

import { existsSync, globSync, readFileSync } from 'node:fs';
import type { StreamEnd } from '../../src/model/answer-stream.ts';
import type { ModelAnswer } from '../../src/model/port.ts';
import { fieldsOf, listOf, textOf } from '../../src/model/wire-values.ts';

/** Streams of real servers, one event a line; made by others, and absent where only the project is. */
export const RECORDINGS = '../shared/fixtures';

/** The recorded streams of one wire, by their paths in `RECORDINGS`; none where they are absent. */
export function recordedStreams(wire: 'responses-sse' | 'chat-sse'): readonly string[] {
  if (!existsSync(RECORDINGS)) return [];
  return globSync(`${wire}/**/*.chunks.txt`, { cwd: RECORDINGS }).sort();
}

/** The lines of a recording, one list for each answer in it: some hold a whole conversation. */
export function answersIn(file: string): readonly (readonly string[])[] {
  const answers: string[][] = [[]];
  for (const line of readFileSync(`${RECORDINGS}/${file}`, 'utf8').split('\n')) {
    if (line.trim() === '') continue;
    if (line.includes('"type":"response.created"') && answers.at(-1)?.length) answers.push([]);
    answers.at(-1)?.push(line);
  }
  return answers;
}

/** Null: it is no JSON. */
export function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

export type Said = Readonly<{ text: string; calls: readonly unknown[]; totalTokens: number }>;

/** What an answer came to. */
export function saidBy(answer: StreamEnd | ModelAnswer): Said {
  if (answer.status !== 'completed' && answer.status !== 'incomplete') {
    throw new Error(`Expected an answer, got ${JSON.stringify(answer)}.`);
  }
  return {
    text: answer.outputs.map((output) => (output.type === 'message' ? output.text : '')).join(''),
    calls: answer.outputs.flatMap((output) =>
      output.type === 'call' ? [[output.callId, output.name, output.arguments]] : [],
    ),
    totalTokens: answer.usage?.totalTokens ?? 0,
  };
}

/** What the recording of a Responses stream says itself, in its last event. */
export function finalOf(lines: readonly string[]): Said {
  const { response } = fieldsOf(parsed(lines.findLast((line) => line.includes('"response.completed"')) ?? ''));
  const items = listOf(fieldsOf(response).output).map(fieldsOf);
  const texts = items
    .filter((item) => item.type === 'message')
    .flatMap((item) => listOf(item.content).map((part) => fieldsOf(part).text));
  return {
    text: texts.join(''),
    calls: items
      .filter((item) => item.type === 'function_call')
      .map((item) => [item.call_id, item.name, item.arguments]),
    totalTokens: Number(fieldsOf(fieldsOf(response).usage).total_tokens),
  };
}

/** What the chunks of a Chat Completions stream add up to, for recordings that mark each piece of a call by its index. */
export function sumOf(lines: readonly string[]): Said {
  const chunks = lines.map(parsed).map(fieldsOf);
  const deltas = chunks.flatMap(({ choices }) => listOf(choices).map((choice) => fieldsOf(fieldsOf(choice).delta)));
  const calls: string[][] = [];
  for (const piece of deltas.flatMap(({ tool_calls }) => listOf(tool_calls)).map(fieldsOf)) {
    const index = Number(piece.index ?? 0);
    const [id, called, text] = calls[index] ?? [];
    const { name, arguments: more } = fieldsOf(piece.function);
    calls[index] = [
      id || (textOf(piece.id) ?? ''),
      called || (textOf(name) ?? ''),
      (text ?? '') + (textOf(more) ?? ''),
    ];
  }
  const usages = chunks.flatMap(({ usage }) => (usage ? [Number(fieldsOf(usage).total_tokens)] : []));
  return { text: deltas.map(({ content }) => contentText(content)).join(''), calls, totalTokens: usages.at(-1) ?? 0 };
}

/** What the same call said unstreamed; null where it is missing, or where it was another call. */
export function unstreamed(file: string, lines: readonly string[]): Said | null {
  const path = `${RECORDINGS}/${file.replace('.chunks.txt', '.json')}`;
  const whole = existsSync(path) ? fieldsOf(parsed(readFileSync(path, 'utf8'))) : {};
  if (whole.id === undefined || fieldsOf(parsed(lines.at(-1) ?? '')).id !== whole.id) return null;
  const [choice] = listOf(whole.choices).map(fieldsOf);
  const { content, tool_calls } = fieldsOf(choice?.message);
  return {
    text: contentText(content),
    calls: listOf(tool_calls).map((call) => {
      const { name, arguments: text } = fieldsOf(fieldsOf(call).function);
      return [fieldsOf(call).id, name, text];
    }),
    totalTokens: Number(fieldsOf(whole.usage).total_tokens),
  };
}

function contentText(content: unknown): string {
  const parts = listOf(content).map((part) => textOf(fieldsOf(part).text) ?? '');
  return textOf(content) ?? parts.join('');
}

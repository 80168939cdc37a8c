import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import type { Decision, OnRequest, SessionRequest } from '../index.ts';
import { block, excerptLines } from './block.ts';
import { requestLines } from './request-lines.ts';

/** How text is emphasised, and how many cells a line has; null where nobody breaks lines that are too long. */
export type Paint = Readonly<Record<'strong' | 'faint' | 'good' | 'bad' | 'alert', (text: string) => string>> &
  Readonly<{ columns(): number | null }>;

const asItIs = (text: string) => text;
/** No emphasis at all. */
export const PLAIN: Paint = {
  ...{ strong: asItIs, faint: asItIs, good: asItIs, bad: asItIs, alert: asItIs },
  columns: () => null,
};

type Output = NodeJS.WritableStream & Partial<Readonly<{ isTTY: boolean; columns: number; hasColors(): boolean }>>;
type Input = NodeJS.ReadableStream & Partial<Readonly<{ isTTY: boolean }>>;

/** Colours where a person looks at a terminal that has them and NO_COLOR is not set (https://no-color.org). */
export function paintFor(output: Output, env: Readonly<Record<string, string | undefined>>): Paint {
  if (output.isTTY !== true) return PLAIN;
  // A terminal that does not know its width says 0.
  const columns = () => output.columns || null;
  if (env.NO_COLOR || output.hasColors?.() !== true) return { ...PLAIN, columns };
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    styleText(format, text, { validateStream: false });
  return {
    strong: style('bold'),
    faint: style('dim'),
    good: style('green'),
    bad: style('red'),
    alert: style('yellow'),
    columns,
  };
}

/** Who asks a person at the terminal, one request after the other. */
export type Asker = Readonly<{
  onRequest: OnRequest;
  /** Yes or no; null when the input has ended, or `signal` has aborted. */
  confirm(shown: readonly string[], signal: AbortSignal): Promise<boolean | null>;
  close(): void;
}>;

/**
 * Shows each request with exactly what will happen, and waits for one line: y, a, n or x, and d where
 * a sub-session asks. At a terminal, what was typed
 * before the question is not taken for its answer; from a pipe, the lines are the answers in their order. The end of
 * the input denies.
 */
export function createAsker(input: Input, output: Output, paint: Paint): Asker {
  const lines = createLines(input);
  let last: Promise<unknown> = Promise.resolve();
  const write = (shown: readonly string[]) => output.write(`${shown.join('\n')}\n`);

  const ask = async (request: SessionRequest, { signal, count }: AskScope): Promise<Decision> => {
    await lines.begin();
    if (signal.aborted) return 'denied';
    write(requestLines(request, paint));
    if (!ANSWERABLE.has(request.subject.kind)) {
      return {
        decision: 'denied',
        message: `a terminal cannot answer a request of the kind "${request.subject.kind}" yet`,
      };
    }
    const isBelow = request.path.length > 1;
    const rule = request.subject.kind === 'command' ? request.subject.suggestedRule : undefined;
    let seen = request.count ?? 1;
    for (;;) {
      const question = isBelow ? QUESTION_BELOW : QUESTION;
      output.write(`${block('', rule === undefined ? question : [RULE, ...question], paint).join('\n')} `);
      const line = await lines.next(signal);
      if (line === null || input.isTTY !== true) output.write('\n');
      if (signal.aborted) return 'denied';
      if (line === null) return { decision: 'denied', message: 'the input ended before there was an answer' };
      const key = line.trim().toLowerCase();
      if (isBelow && key === 'd') return { decision: 'denied', all: true };
      if (rule !== undefined && key === 'r') return { decision: 'approved-with-rule', rule };
      const decision = DECISIONS.get(key);
      const times = count?.() ?? seen;
      if (decision === 'approved' && times > seen) {
        seen = times;
        write(block('', [`Meanwhile the same is asked ${times} times.`], paint));
        continue;
      }
      // What comes to it while the answer is on its way is asked about again.
      if (decision === 'approved' && count !== undefined) return { decision: 'approved', count: seen };
      if (decision !== undefined) return decision;
      write(
        block(
          '',
          [`Expected ${isBelow ? 'y, a, n, d or x' : 'y, a, n or x'}, got "${excerptLines(line).join(' ')}".`],
          paint,
        ),
      );
    }
  };

  return {
    onRequest(request, scope) {
      const decision = last.then(() => ask(request, scope)).finally(() => lines.end());
      last = decision.catch(() => {});
      return decision;
    },
    async confirm(shown, signal) {
      await lines.begin();
      try {
        write(shown);
        for (;;) {
          output.write(`${block('', ['[y] yes  [n] no:'], paint).join('')} `);
          const line = await lines.next(signal);
          if (line === null || input.isTTY !== true) output.write('\n');
          if (line === null || signal.aborted) return null;
          const key = line.trim().toLowerCase();
          if (['y', 'yes', 'n', 'no'].includes(key)) return key.startsWith('y');
          write(block('', [`Expected y or n, got "${excerptLines(line).join(' ')}".`], paint));
        }
      } finally {
        lines.end();
      }
    },
    close: () => lines.close(),
  };
}

type AskScope = Parameters<OnRequest>[1];

const ANSWERABLE: ReadonlySet<string> = new Set(['command', 'patch']);
const QUESTION = ['[y] approve  [a] approve, and the same again in this session', '[n] deny  [x] stop the task:'];
/** Rules count in folders that the user trusts. */
const RULE = '[r] approve, and by the rule from now on';
const QUESTION_BELOW = [
  ...QUESTION.slice(0, 1),
  '[n] deny  [d] deny all that this sub-session asks  [x] stop the task:',
];
const DECISIONS: ReadonlyMap<string, Decision> = new Map([
  ['y', 'approved'],
  ['yes', 'approved'],
  ['a', 'approved-for-session'],
  ['n', 'denied'],
  ['no', 'denied'],
  ['x', 'abort'],
]);

type Lines = Readonly<{
  begin(): Promise<void>;
  /** The next line; null when the input has ended, or `signal` has aborted. */
  next(signal: AbortSignal): Promise<string | null>;
  end(): void;
  close(): void;
}>;

/** Lines of an input that is read only while somebody waits: in the background, reading a terminal stops a process. */
function createLines(input: Input): Lines {
  const early: string[] = [];
  let waiting: ((line: string | null) => void) | null = null;
  let ended = false;
  let reader: ReturnType<typeof createInterface> | null = null;

  const take = (line: string | null) => {
    const give = waiting;
    waiting = null;
    if (give !== null) give(line);
    else if (line !== null) early.push(line);
  };
  const open = () => {
    // Not as a terminal: that would take the keys for itself, and Ctrl-C would be no signal.
    const opened = createInterface({ input, terminal: false });
    opened.on('line', take);
    opened.on('close', () => {
      ended = true;
      take(null);
    });
    return opened;
  };

  return {
    async begin() {
      reader ??= open();
      if (!ended) reader.resume();
      // Two turns: in the poll phase between them all that was typed so far comes in.
      await turn();
      await turn();
      if (input.isTTY === true) early.length = 0;
    },
    next(signal) {
      const known = early.shift();
      if (known !== undefined) return Promise.resolve(known);
      if (ended || signal.aborted) return Promise.resolve(null);
      return new Promise((resolve) => {
        const onAbort = () => take(null);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting = (line) => {
          signal.removeEventListener('abort', onAbort);
          resolve(line);
        };
      });
    },
    end() {
      if (!ended) reader?.pause();
    },
    close: () => reader?.close(),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultHome } from '../create-session.ts';
import {
  type ApprovalPolicy,
  createSession,
  openaiModel,
  type SandboxMode,
  type TaskOutcome,
  TroupeError,
} from '../index.ts';
import { INPUT_CHARACTERS_MAX } from '../limits.ts';
import { createExecOutput } from './exec-output.ts';
import { locatedLogs } from './log-location.ts';
import { receiptLines } from './receipt-lines.ts';
import { watchSignals } from './signals.ts';
import { createAsker, paintFor } from './terminal.ts';

export type ExecOptions = Readonly<{
  model?: string;
  directory: string;
  sandbox: SandboxMode;
  approvals: ApprovalPolicy;
}>;

/** Runs one task in a new session, and gives the exit code. Throws `TroupeError('invalid-config')` for what cannot work. */
export async function exec(prompt: string | undefined, options: ExecOptions): Promise<number> {
  const { env, stdin, stdout, stderr } = process;
  const model = openaiModel({ model: modelName(options.model, env) });
  const cwd = directoryOf(options.directory);
  const text = await promptText(prompt);

  const logs = locatedLogs(defaultHome());
  const paint = paintFor(stderr, env);
  const asker = stdin.isTTY && stderr.isTTY ? createAsker(stdin, stderr, paint) : null;
  const output = createExecOutput({
    answer: (shown) => stdout.write(shown),
    beside: (shown) => stderr.write(shown),
    isOneScreen: stdout.isTTY === true && stderr.isTTY === true,
    isAsking: asker !== null,
    view: { paint, cwd },
  });
  const session = createSession({
    model,
    cwd,
    sandbox: options.sandbox,
    approvalPolicy: options.approvals,
    world: { logStore: logs.store },
    ...(asker === null ? {} : { onRequest: asker.onRequest }),
  });
  session.events$.subscribe((event) => output.show(event));

  let stopping: Promise<void> = Promise.resolve();
  const stop = (why: string) => {
    output.note('stopping', why);
    stopping = session.interrupt().then((receipt) => {
      if (receipt.outcome === 'not-running') for (const line of receiptLines(receipt, paint)) stderr.write(`${line}\n`);
    });
  };
  const signals = watchSignals({
    interrupt: (signal) => stop(`${signal}: what runs is stopped (once more: close at once)`),
    close: () => session.close(),
  });
  let unread = false;
  stdout.on('error', () => {
    if (!unread) stop('nobody reads the answer any more');
    unread = true;
  });
  stderr.on('error', () => {});
  try {
    const outcome = await session.run(text).outcome;
    await stopping;
    return signals.exitCode() ?? (unread ? 1 : codeOf(outcome));
  } finally {
    await session.close();
    asker?.close();
    output.note('log', logs.location() ?? 'none could be made');
    signals.release();
  }
}

/** A task that the person stopped, by a decision, ends as one that was interrupted. */
function codeOf(outcome: TaskOutcome): number {
  if (outcome.status === 'completed') return 0;
  return outcome.status === 'aborted' && outcome.reason === 'interrupted' ? 130 : 1;
}

function modelName(chosen: string | undefined, { TROUPE_MODEL, OPENAI_MODEL }: NodeJS.ProcessEnv): string {
  const name = chosen || TROUPE_MODEL || OPENAI_MODEL;
  if (name) return name;
  throw new TroupeError(
    'invalid-config',
    'Expected the name of a model, got none. Give one with -m MODEL, or set TROUPE_MODEL or OPENAI_MODEL. The server is OPENAI_BASE_URL (OpenAI when not set), the key OPENAI_API_KEY.',
  );
}

function directoryOf(path: string): string {
  const directory = resolve(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new TroupeError('invalid-config', `Expected -C to name a directory, got ${directory}.`);
}

/** The prompt as it was given, or standard input for `-` and where there is no prompt and no terminal. */
async function promptText(given: string | undefined): Promise<string> {
  const isFromInput = given === '-' || (given === undefined && !process.stdin.isTTY);
  if (!isFromInput && given === undefined) {
    throw new TroupeError(
      'invalid-config',
      'Expected a prompt, got none. Give it as one argument, or - to read it from standard input.',
    );
  }
  if (isFromInput) process.stderr.write('Reading the prompt from standard input …\n');
  const text = isFromInput ? await readInput() : given;
  if (text?.trim()) return text;
  throw new TroupeError('invalid-config', 'Expected something to do, got an empty prompt.');
}

async function readInput(): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for await (const chunk of process.stdin) {
    text += decode(() => decoder.decode(chunk, { stream: true }));
    if (text.length > INPUT_CHARACTERS_MAX) {
      throw new TroupeError(
        'invalid-config',
        `Expected a prompt of at most ${INPUT_CHARACTERS_MAX} characters, got more.`,
      );
    }
  }
  return text + decode(() => decoder.decode());
}

function decode(read: () => string): string {
  try {
    return read();
  } catch {
    throw new TroupeError('invalid-config', 'Expected a prompt in UTF-8, got other bytes.');
  }
}

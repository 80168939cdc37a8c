import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultHome } from '../create-session.ts';
import { listSessions } from '../here/session-list.ts';
import {
  createSession,
  resumeSession,
  type Session,
  type SessionOptions,
  type TaskOutcome,
  TroupeError,
} from '../index.ts';
import type { PageInspector } from '../inspect/index.ts';
import { messageOf } from '../protocol/errors.ts';
import { createExecReport, type ExecFormat, type ExecReport } from './exec-report.ts';
import { type ExecRequest, type ExecRequestOptions, readExecRequest } from './exec-request.ts';
import { type FolderLimits, settleFolder } from './folder.ts';
import { locatedLogs } from './log-location.ts';
import { receiptLines } from './receipt-lines.ts';
import { watchSignals } from './signals.ts';
import { type Asker, createAsker, type Paint, paintFor } from './terminal.ts';

export type ExecOptions = ExecRequestOptions &
  Readonly<{ format: ExecFormat; outputLastMessage?: string; inspect?: boolean }>;

/** Runs one task in a new session, and gives the exit code. Throws `TroupeError` for what cannot work. */
export async function exec(words: readonly string[], options: ExecOptions): Promise<number> {
  const { env, stdin, stdout, stderr } = process;
  const paint = paintFor(stderr, env);
  const asker = options.format === 'text' && stdin.isTTY && stderr.isTTY ? createAsker(stdin, stderr, paint) : null;
  const report = createExecReport(options.format, {
    answer: (shown) => stdout.write(shown),
    beside: (shown) => stderr.write(shown),
    isOneScreen: stdout.isTTY === true && stderr.isTTY === true,
    isAsking: asker !== null,
    view: { paint, cwd: resolve(options.directory) },
  });
  const beginning = new AbortController();
  const stopping: Stopping = { stop: () => beginning.abort(), close: async () => beginning.abort() };
  const signals = watchSignals({
    interrupt: (signal) => stopping.stop(`${signal}: what runs is stopped (once more: close at once)`),
    close: () => stopping.close(),
  });
  // A reader that is gone before there is a session has missed nothing.
  for (const output of [stdout, stderr]) output.on('error', () => {});
  try {
    const request = await readExecRequest(words, options, (text) => report.note('note', text), beginning.signal);
    const stage = { asker, paint, note: report.note, signal: beginning.signal };
    const limits = await settleFolder({ ...request, home: defaultHome() }, stage);
    const code = await run(request, limits, {
      report,
      asker,
      paint,
      stopping,
      outputLastMessage: options.outputLastMessage,
      page: options.inspect === true ? await pageOf(report, asker) : null,
    });
    return signals.exitCode() ?? code;
  } catch (error) {
    report.fail(messageOf(error));
    const code = signals.exitCode();
    if (code === null) throw error;
    return code;
  } finally {
    asker?.close();
    signals.release();
  }
}

/** What a signal does; another thing once the session is there. */
type Stopping = { stop(why: string): void; close(): Promise<void> };

type Run = Readonly<{
  report: ExecReport;
  asker: Asker | null;
  paint: Paint;
  stopping: Stopping;
  outputLastMessage: string | undefined;
  /** Shows the session as it runs. */
  page: PageInspector | null;
}>;

/** A page of the session. Where nobody can be asked at the terminal, requests wait for who opens it. */
async function pageOf(report: ExecReport, asker: Asker | null): Promise<PageInspector> {
  const { pageInspector } = await import('../inspect/index.ts');
  const page = pageInspector({
    title: 'troupe exec',
    decides: asker === null ? 'always' : 'when-open',
    announce: (url) => report.note('page', url),
  });
  await page.served;
  return page;
}

async function run(
  request: ExecRequest,
  limits: FolderLimits,
  { report, asker, paint, stopping, outputLastMessage, page }: Run,
): Promise<number> {
  const { stdout, stderr } = process;
  const { model, cwd, sandboxSettings, effort, outputSchema, work } = request;
  const { protectedNames, ...strictness } = limits;
  const logs = locatedLogs(defaultHome());
  const settings = {
    model,
    cwd,
    sandboxSettings: { ...sandboxSettings, protectedNames },
    ...strictness,
    world: { logStore: logs.store },
    ...(effort === undefined ? {} : { effort }),
    ...(asker === null ? {} : { onRequest: asker.onRequest }),
    ...(page === null ? {} : { inspect: page }),
  };
  const session = request.resume === null ? createSession(settings) : await resumed(request.resume, cwd, settings);
  session.events$.subscribe((event) => report.show(event));

  let stopped: Promise<void> = Promise.resolve();
  stopping.stop = (why) => {
    report.note('stopping', why);
    stopped = session.interrupt().then((receipt) => {
      if (receipt.outcome === 'not-running') for (const line of receiptLines(receipt, paint)) stderr.write(`${line}\n`);
    });
  };
  stopping.close = () => session.close();
  let unread = false;
  stdout.on('error', () => {
    if (!unread) stopping.stop('nobody reads the answer any more');
    unread = true;
  });
  try {
    const task =
      'target' in work
        ? session.review(work.target)
        : session.run(work.input, outputSchema === undefined ? {} : { context: { outputSchema } });
    const outcome = await task.outcome;
    await stopped;
    if (outcome.status === 'completed') report.finish(outcome);
    if (outcome.status === 'completed' && outputLastMessage !== undefined)
      writeLast(outputLastMessage, outcome.answer ?? '');
    return unread ? 1 : codeOf(outcome);
  } finally {
    await session.close();
    await page?.close();
    report.note('log', logs.location() ?? 'none could be made');
  }
}

/** The session that goes on. */
async function resumed(
  resume: NonNullable<ExecRequest['resume']>,
  cwd: string,
  settings: SessionOptions,
): Promise<Session> {
  if (resume !== 'last') return resumeSession(resume.id, settings);
  const [newest] = await listSessions(defaultHome(), { cwd, limit: 1 });
  if (newest !== undefined) return resumeSession(newest.sessionId, settings);
  throw new TroupeError(
    'rejected',
    `Expected a session that has worked in ${cwd}, there is none. See "troupe sessions list".`,
  );
}

/** A task that the person stopped, by a decision, ends as one that was interrupted. */
function codeOf(outcome: TaskOutcome): number {
  if (outcome.status === 'completed') return 0;
  return outcome.status === 'aborted' && outcome.reason === 'interrupted' ? 130 : 1;
}

function writeLast(path: string, answer: string): void {
  try {
    writeFileSync(path, answer);
  } catch (error) {
    throw new TroupeError(
      'rejected',
      `Expected to be able to write the answer to ${path} (--output-last-message), got: ${messageOf(error)}. The task itself is done.`,
    );
  }
}

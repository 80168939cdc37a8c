import { writeFileSync } from 'node:fs';
import { type Origin, openSession } from '../create-session.ts';
import { defaultHome } from '../here/default-home.ts';
import { listSessions } from '../here/session-list.ts';
import { resumeSession, type Session, type SessionOptions, type TaskOutcome, TroupeError } from '../index.ts';
import type { PageInspector } from '../inspect/index.ts';
import { messageOf } from '../protocol/errors.ts';
import type { ExecReport } from './exec-report.ts';
import type { ExecRequest } from './exec-request.ts';
import { type FolderLimits, settleFolder } from './folder.ts';
import { locatedLogs } from './log-location.ts';
import { receiptLines } from './receipt-lines.ts';
import type { Asker, Paint } from './terminal.ts';

/** What a signal does; another thing once the session is there. */
export type Stopping = { stop(why: string): void; close(): Promise<void> };

/** How a request is run. */
export type Run = Readonly<{
  /** The name of the session; null where one goes on. */
  newId: string | null;
  report: ExecReport;
  /** Null where nobody can be asked. */
  asker: Asker | null;
  paint: Paint;
  stopping: Stopping;
  /** Aborts when it is stopped before there is a session. */
  signal: AbortSignal;
  outputLastMessage: string | undefined;
  /** A page shows the session as it runs. */
  hasPage: boolean;
}>;

/** Settles what holds in the folder, runs the request in a session there, and gives the exit code. */
export async function runRequest(request: ExecRequest, run: Run): Promise<number> {
  const { asker, paint, report, signal } = run;
  const stage = { asker, paint, note: report.note, signal };
  const limits = await settleFolder({ ...request, home: defaultHome() }, stage);
  if (signal.aborted) throw new TroupeError('rejected', 'Stopped before anything was begun.');
  return runSession(request, limits, run, run.hasPage ? await pageOf(report, asker) : null);
}

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

async function runSession(
  request: ExecRequest,
  limits: FolderLimits,
  { newId, report, asker, paint, stopping, outputLastMessage }: Run,
  page: PageInspector | null,
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
  // A new one is listened to in the same turn, so that nothing that it tells is missed.
  const session =
    request.resume === null ? openSession(settings, named(newId)).session : await resumed(request.resume, settings);
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

function named(sessionId: string | null): Origin {
  return sessionId === null ? {} : { sessionId };
}

/** The session that goes on. */
async function resumed(
  resume: NonNullable<ExecRequest['resume']>,
  settings: SessionOptions & Readonly<{ cwd: string }>,
): Promise<Session> {
  if (resume !== 'last') return resumeSession(resume.id, settings);
  const [newest] = await listSessions(defaultHome(), { cwd: settings.cwd, limit: 1 });
  if (newest !== undefined) return resumeSession(newest.sessionId, settings);
  throw new TroupeError(
    'rejected',
    `Expected a session that has worked in ${settings.cwd}, there is none. See "troupe sessions list".`,
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

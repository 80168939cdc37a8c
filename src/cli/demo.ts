import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import {
  createSession,
  type Decision,
  type OnRequest,
  openaiModel,
  type Session,
  type SessionRequest,
  type TaskOutcome,
} from '../index.ts';
import { decisionWord } from '../protocol/requests.ts';
import { scriptedWire } from '../testing/index.ts';
import { block, foreignLines } from './block.ts';
import { checkDemo, type Finding } from './demo-checks.ts';
import { makeRepository } from './demo-repository.ts';
import { DEMO_TASK, demoScript } from './demo-script.ts';
import { locatedLogs } from './log-location.ts';
import { counted } from './receipt-lines.ts';
import { render } from './render.ts';
import { requestLines } from './request-lines.ts';
import { watchSignals } from './signals.ts';
import { createAsker, type Paint, paintFor } from './terminal.ts';

export type DemoOptions = Readonly<{ interactive?: true; keep?: true }>;

const INTRODUCTION = `The model is scripted; everything else is real: the git repository, the files, the commands and
the test runs, the approvals, the log on the disk, and the openai client, which reads the scripted
answers as a stream of server-sent events.

  session   one conversation, with one history and one log
  task      what you asked for; it ends once: completed, failed or aborted
  step      one answer of the model, and the calls that it makes
  item      what was said or done: user, agent, command and result, plan, patch
  request   a question that somebody must decide before something runs`;

/** Shows a session at work in a repository made for it, and checks what came of it; gives the exit code. */
export async function demo({ interactive, keep }: DemoOptions): Promise<number> {
  const { stdin, stdout, env } = process;
  const paint = paintFor(stdout, env);
  const asker = interactive ? createAsker(stdin, stdout, paint) : null;
  const running: Running = { session: null, unread: false };
  const signals = watchSignals({
    interrupt: () => void running.session?.interrupt(),
    close: async () => running.session?.close(),
  });
  stdout.on('error', () => {
    if (!running.unread) void running.session?.interrupt();
    running.unread = true;
  });
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-demo-')));
  try {
    const stage: Stage = {
      place,
      paint,
      running,
      print: (lines) => stdout.write(`${lines.join('\n')}\n`),
      onRequest: asker?.onRequest ?? null,
      isStopped: () => running.unread || signals.exitCode() !== null,
    };
    stage.print([paint.strong('Troupe demo'), '', INTRODUCTION, '']);
    const end = await play(stage);
    const stays = keep ? '' : ' (removed now; troupe demo --keep keeps it)';
    const verdict = end.problem === null ? paint.good('All of it went as promised.') : paint.bad(end.problem);
    stage.print(['', `The log: ${end.log ?? 'none'}${stays}`, verdict]);
    return signals.exitCode() ?? (end.problem === null ? 0 : 1);
  } finally {
    asker?.close();
    if (!keep) rmSync(place, { recursive: true, force: true });
    signals.release();
  }
}

/** What there is to stop. `unread`: nobody reads any more what the demo shows. */
type Running = { session: Session | null; unread: boolean };

type Stage = Readonly<{
  /** A directory of the demo's own. */
  place: string;
  paint: Paint;
  running: Running;
  print(lines: readonly string[]): void;
  /** Who decides; null: the demo itself. */
  onRequest: OnRequest | null;
  isStopped(): boolean;
}>;

/** How much is shown of what has changed. */
const DIFF_MAX_BYTES = 65_536;

/** How the demo ended: what was not as promised, in a sentence, and where the log is. */
type End = Readonly<{ problem: string | null; log: string | null }>;

async function play(stage: Stage): Promise<End> {
  const { place, paint, print, running, isStopped } = stage;
  // The Node that runs this runs the test; there may be an older one on the PATH.
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
  const repository = await makeRepository(join(place, 'tea-shop'), path);
  print([`The repository: ${repository.directory}`, `  one commit: ${repository.files.join(', ')}`, '']);
  if (isStopped()) return { problem: STOPPED, log: null };

  const wire = scriptedWire(demoScript);
  const logs = locatedLogs(join(place, 'home'));
  const decisions: string[] = [];
  const session = createSession({
    model: openaiModel({ model: 'scripted', baseURL: 'http://scripted.invalid/v1', env: {}, fetch: wire.fetch }),
    cwd: repository.directory,
    env: { ...process.env, PATH: path },
    // So that there is something to decide, also where a sandbox confines what is run.
    approvalPolicy: 'untrusted',
    rollout: 'durable',
    home: join(place, 'home'),
    world: { logStore: logs.store },
    async onRequest(request, scope) {
      const decision = await decide(stage, request, scope);
      if (decision !== undefined) decisions.push(decisionWord(decision));
      return decision;
    },
  });
  running.session = session;
  const view = { paint, cwd: repository.directory };
  session.events$.subscribe((event) => {
    const lines = event.type === 'request.opened' ? [] : render(event, view);
    if (lines.length > 0) print(lines);
  });
  const outcome = await session.run(DEMO_TASK).outcome;
  await session.close();
  const log = logs.location();
  if (isStopped()) return { problem: STOPPED, log };

  const diff = await repository.git.diff({ from: 'HEAD', to: null, outputMaxBytes: DIFF_MAX_BYTES });
  const findings = await checkDemo(repository, wire, log);
  print(['', 'What came of it, checked by the demo itself:', '']);
  if (diff.ok && diff.value.text !== '') print(block('diff', foreignLines(diff.value.text), paint));
  print(findings.map(({ ok, found }) => `  ${ok ? paint.good('✓') : paint.bad('✗')} ${found}`));
  const denied = decisions.filter((word) => word === 'denied').length;
  return { problem: isStopped() ? STOPPED : problemIn(outcome, denied, findings), log };
}

const STOPPED = 'The demo was stopped before its end.';

async function decide(
  { paint, print, onRequest }: Stage,
  request: SessionRequest,
  scope: Parameters<OnRequest>[1],
): Promise<Decision | undefined> {
  // What was told before the request is shown before it.
  await new Promise((resolve) => setImmediate(resolve));
  if (onRequest !== null) return onRequest(request, scope);
  print([...requestLines(request, paint), ...block('demo', ['approves it (with --interactive, you decide)'], paint)]);
  return 'approved';
}

/** Why the demo did not go as promised, in a sentence; null when it did. */
function problemIn(outcome: TaskOutcome, denied: number, findings: readonly Finding[]): string | null {
  const wrong = findings.filter(({ ok }) => !ok).map(({ found }) => found);
  const facts = wrong.length === 0 ? 'What the model did is right all the same.' : `So: ${wrong.join('; ')}.`;
  if (outcome.status === 'aborted') return `The task was stopped (${outcome.reason}). ${facts}`;
  if (outcome.status === 'failed') return `The task failed: ${outcome.error.message} ${facts}`;
  if (denied > 0) return `The model could not do all of it: you denied ${counted(denied, 'request')}. ${facts}`;
  return wrong.length === 0 ? null : `The demo did not go as promised: ${wrong.join('; ')}.`;
}

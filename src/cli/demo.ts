import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createSession, type OnRequest, openaiModel, type TaskOutcome } from '../index.ts';
import { decisionWord } from '../protocol/requests.ts';
import { scriptedWire } from '../testing/index.ts';
import { block, foreignLines } from './block.ts';
import { checkDemo, type Finding } from './demo-checks.ts';
import { makeRepository } from './demo-repository.ts';
import { DEMO_TASK, demoScript } from './demo-script.ts';
import { locatedLogs } from './log-location.ts';
import { counted, receiptLines } from './receipt-lines.ts';
import { render } from './render.ts';
import { requestLines } from './request-lines.ts';
import { watchSignals } from './signals.ts';
import { createAsker, type Paint, paintFor } from './terminal.ts';

export type DemoOptions = Readonly<{ interactive?: true; keep?: true }>;

const INTRODUCTION = `The model is scripted; everything else is real: the git repository, the files, the commands and the test runs, the
approvals, the log on the disk, and the openai client, which reads the scripted answers as a stream of server-sent events.

  session   one conversation, with one history and one log
  task      what you asked for; it ends once: completed, failed or aborted
  step      one answer of the model, and the calls that it makes
  item      what was said or done: user, agent, command and result, plan, patch
  request   a question that somebody must decide before something runs`;

/** Shows a session at work in a repository made for it, and checks what came of it; gives the exit code. */
export async function demo({ interactive, keep }: DemoOptions): Promise<number> {
  const { stdin, stdout, env } = process;
  const paint = paintFor(stdout, env);
  const print = (lines: readonly string[]) => stdout.write(`${lines.join('\n')}\n`);
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-demo-')));
  const asker = interactive ? createAsker(stdin, stdout, paint) : null;
  try {
    print([paint.strong('Troupe demo'), '', INTRODUCTION, '']);
    const end = await play({ place, paint, print, onRequest: asker?.onRequest ?? null });
    const stays = keep ? '' : ' (removed now; troupe demo --keep keeps it)';
    print(['', `The log: ${end.log ?? 'none'}${stays}`, end.verdict]);
    return end.exitCode;
  } finally {
    asker?.close();
    if (!keep) rmSync(place, { recursive: true, force: true });
  }
}

type Stage = Readonly<{
  /** A directory of the demo's own. */
  place: string;
  paint: Paint;
  print(lines: readonly string[]): void;
  /** Who decides; null: the demo itself. */
  onRequest: OnRequest | null;
}>;

type End = Readonly<{ exitCode: number; verdict: string; log: string | null }>;

async function play({ place, paint, print, onRequest }: Stage): Promise<End> {
  // The Node that runs this runs the test; there may be an older one on the PATH.
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
  const repository = await makeRepository(join(place, 'tea-shop'), path);
  print([`The repository: ${repository.directory}`, `  one commit: ${repository.files.join(', ')}`, '']);

  const wire = scriptedWire(demoScript);
  const logs = locatedLogs(join(place, 'home'));
  let denied = 0;
  const session = createSession({
    model: openaiModel({ model: 'scripted', baseURL: 'http://scripted.invalid/v1', env: {}, fetch: wire.fetch }),
    cwd: repository.directory,
    env: { ...process.env, PATH: path },
    rollout: 'durable',
    world: { logStore: logs.store },
    async onRequest(request, scope) {
      // What was told before the request is shown before it.
      await new Promise((resolve) => setImmediate(resolve));
      if (onRequest === null) {
        print(requestLines(request, paint));
        print(block('demo', ['approves it (with --interactive, you decide)'], paint));
        return 'approved';
      }
      const decision = await onRequest(request, scope);
      if (decision !== undefined && decisionWord(decision) === 'denied') denied += 1;
      return decision;
    },
  });
  const view = { paint, cwd: repository.directory };
  session.events$.subscribe((event) => {
    const lines = event.type === 'request.opened' ? [] : render(event, view);
    if (lines.length > 0) print(lines);
  });

  const stop = async () => {
    const receipt = await session.interrupt();
    if (receipt.outcome === 'not-running') print(receiptLines(receipt, paint));
  };
  const signals = watchSignals({ interrupt: () => void stop(), close: () => session.close() });
  let unread = false;
  process.stdout.on('error', () => {
    if (!unread) void stop();
    unread = true;
  });
  const outcome = await session.run(DEMO_TASK).outcome;
  await session.close();
  const log = logs.location();
  const stopped = signals.exitCode() ?? (unread ? 1 : null);
  if (stopped !== null) return { exitCode: stopped, verdict: 'The demo was stopped before its end.', log };

  const diff = await repository.run('git', 'diff', '--no-color', '--no-ext-diff');
  const findings = await checkDemo(repository, wire, log);
  print(['', 'What came of it, checked by the demo itself:', '']);
  if (diff.output.text !== '') print(block('diff', foreignLines(diff.output.text), paint));
  print(findings.map(({ ok, found }) => `  ${ok ? paint.good('✓') : paint.bad('✗')} ${found}`));
  const problem = problemIn(outcome, denied, findings);
  signals.release();
  return problem === null
    ? { exitCode: 0, verdict: paint.good('All of it went as promised.'), log }
    : { exitCode: 1, verdict: paint.bad(problem), log };
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

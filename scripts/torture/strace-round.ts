import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { newRecovery } from '../../src/rollout/recover.ts';
import { eventually } from './census.ts';
import { eventsIn, processesOf, startExec, troupeHomeOf } from './exec-process.ts';
import type { Stage } from './kill-round.ts';
import { EXEC_OPTIONS } from './numbered-effects.ts';
import { resumeAndLook } from './resume-round.ts';
import { effectsIn, logBelow, wrongAsLeft } from './session-log.ts';

/** The calls of the kernel that a log needs. A question mark: not on every processor. */
export const CALLS_OF_A_LOG = [
  '?open',
  'openat',
  'read',
  'pread64',
  'write',
  'fdatasync',
  'fsync',
  'ftruncate',
  '?mkdir',
  '?link',
  'linkat',
  '?unlink',
  'unlinkat',
  '?rename',
  '?renameat',
  'renameat2',
  'statx',
] as const;

/** `lies`: the kernel says that it has written some of it, and has written nothing. */
export const ERRORS = ['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'lies'] as const;

/** The n-th call of this name that concerns the log fails, counted in each thread. */
export type KernelFault = Readonly<{ call: string; n: number; error: (typeof ERRORS)[number] }>;

/** What came of it: what is not as promised, the exit code, and how often each call was made, in the thread that made it most. */
export type FaultRound = Readonly<{
  wrong: readonly string[];
  code: number | null;
  /** What it said to people. */
  said: string;
  wasMet: boolean;
  counts: ReadonlyMap<string, number>;
}>;

/** Leaves a session whose process was killed when some of its commands had run, with a last line that was never finished. */
export async function leaveSession({ command, base, cache, server }: Stage): Promise<string> {
  const home = mkdtempSync(join(base, 'left-'));
  const work = workOf(home);
  mkdirSync(work);
  const first = startExec({ command, home, url: server.url, cache }, execWords(work, 'Begin.'));
  await eventually(() => effectsIn(work).length >= 2, GONE_WITHIN_MS);
  first.child.kill('SIGKILL');
  await first.ended;
  await eventually(() => processesOf(home).length === 0, GONE_WITHIN_MS);
  appendFileSync(join(home, logNameBelow(home)), '{"v":1,"seq":');
  return home;
}

/** Runs `troupe exec` with a fault of the kernel (null: none), resumes the session without, and looks at what both have left. */
export async function failAndResume(
  { command, base, cache, server }: Stage,
  left: string | null,
  fault: KernelFault | null,
): Promise<FaultRound> {
  const home = mkdtempSync(join(base, 'fault-'));
  const work = workOf(home);
  const trace = join(home, 'trace');
  if (left === null) mkdirSync(work);
  else cpSync(left, home, { recursive: true });
  const place = { command, home, url: server.url, cache };
  try {
    const before = await logBelow(home);
    const resume = before.state.sessionId === null ? [] : ['resume', before.state.sessionId];
    const run = startExec(place, execWords(work, ...resume, 'Begin again.'), straceWords(home, trace, fault));
    const code = await run.ended;
    const wrong: string[] = [];
    if (!(await eventually(() => processesOf(home).length === 0, GONE_WITHIN_MS)))
      wrong.push(`${processesOf(home).length} processes have outlived it`);
    if (code !== 0 && code !== 1) wrong.push(`it ended with ${code}`);
    if (code === 1 && !/^troupe: (Expected|The log|E[A-Z]+:)/m.test(run.stderr()))
      wrong.push(`it ended with 1, and said: ${run.stderr().slice(-500)}`);
    const log = await logBelow(home);
    // What the kernel has never written cannot be read, and a resume says so; all that was acknowledged is there even then.
    const asLeft = fault?.error === 'lies' ? { ...log, report: newRecovery() } : log;
    wrong.push(...wrongAsLeft(asLeft, effectsIn(work), eventsIn(run.stdout())));
    if (JSON.stringify(log.records.slice(0, before.records.length)) !== JSON.stringify(before.records))
      wrong.push('records have changed');
    if (fault?.error !== 'lies') wrong.push(...(await resumeAndLook(place, work, server, 'library')));
    const lines = readFileSync(trace, 'utf8').split('\n');
    return {
      wrong,
      code,
      said: run.stderr(),
      wasMet: lines.some((line) => line.includes('(INJECTED)')),
      counts: countsIn(lines),
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** How long what has ended may leave processes, in ms. */
const GONE_WITHIN_MS = 10_000;

function workOf(home: string): string {
  return join(home, 'work');
}

function execWords(work: string, ...words: readonly string[]): readonly string[] {
  return ['exec', '--events', ...EXEC_OPTIONS, '-C', work, ...words];
}

/** Only what concerns the log, its lock and the directories above is looked at. One thread does it: so the n-th call is the same each time. */
function straceWords(home: string, trace: string, fault: KernelFault | null): readonly string[] {
  const paths = pathsOfLog(home).flatMap((path) => ['-P', path]);
  return [
    'strace',
    ...['-f', '-qq', '--seccomp-bpf', '-E', 'UV_THREADPOOL_SIZE=1', '-o', trace, ...paths],
    ...['-e', `trace=${CALLS_OF_A_LOG.join(',')}`, ...(fault === null ? [] : ['-e', injection(fault)])],
  ];
}

function injection({ call, n, error }: KernelFault): string {
  return `inject=${call}:${error === 'lies' ? 'retval=3' : `error=${error}`}:when=${n}`;
}

function pathsOfLog(home: string): readonly string[] {
  const state = troupeHomeOf(home);
  const found = logNamesBelow(home).map((name) => join(home, name));
  const today = join(state, 'sessions', ...new Date().toISOString().slice(0, 10).split('-'));
  const directories = [today, ...found.map((path) => dirname(path))].flatMap((day) => [
    day,
    dirname(day),
    dirname(dirname(day)),
  ]);
  const files = found.flatMap((path) => [path, `${path}.lock`, `${path}.torn-1`]);
  return [...new Set([state, join(state, 'sessions'), ...directories, ...files])];
}

function logNamesBelow(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
}

function logNameBelow(home: string): string {
  const [name, ...more] = logNamesBelow(home);
  if (name === undefined || more.length > 0) throw new Error(`Expected one log, got ${[name, ...more].join(', ')}.`);
  return name;
}

function countsIn(lines: readonly string[]): ReadonlyMap<string, number> {
  const byThread = new Map<string, number>();
  const most = new Map<string, number>();
  for (const line of lines) {
    const [, thread, call] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? [];
    if (thread === undefined || call === undefined) continue;
    const count = (byThread.get(`${thread} ${call}`) ?? 0) + 1;
    byThread.set(`${thread} ${call}`, count);
    most.set(call, Math.max(most.get(call) ?? 0, count));
  }
  return most;
}

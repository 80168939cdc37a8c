import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { LogRecord } from '../../src/rollout/record.ts';
import { newRecovery, type Recovery, recover } from '../../src/rollout/recover.ts';
import { type Script, type ScriptedWire, scriptedWire } from '../../src/testing/index.ts';
import { eventually } from './census.ts';
import { runAlone, type Say } from './step.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/troupe', import.meta.url));
/** How many commands the model asks for before it is done. */
const CALLS = 8;
/** How long what a killed process has left may be there, in ms. */
const GONE_WITHIN_MS = 5_000;

/** What came of one process that was killed: what is not as promised, and how far it had come. */
export type Round = Readonly<{ wrong: readonly string[]; records: number; effects: number }>;

/** When a process is killed: so long after it was started, or after it has said its first word; null: never. */
type Moment = Readonly<{ since: 'start' | 'first-word'; afterMs: number }> | null;

/** How long it took to its first word, and from there to its end. */
type Times = Readonly<{ beginningMs: number; rest: number }>;

/** Runs `troupe exec`, kills it (SIGKILL), resumes the session, and looks at what both have left. */
export async function killAndResume(base: string, moment: Moment): Promise<Round & Times> {
  const place = mkdtempSync(join(base, 'round-'));
  const work = join(place, 'work');
  mkdirSync(work);
  const served = await serve(SCRIPT);
  try {
    const run = (...args: readonly string[]) => start(place, served.url, args);
    const first = run('exec', '--events', ...OPTIONS, '-C', work, 'Begin.');
    if (moment !== null) {
      if (moment.since === 'first-word') await first.begun;
      setTimeout(() => first.child.kill('SIGKILL'), moment.afterMs);
    }
    await first.ended;
    const wrong: string[] = [];
    if (!(await eventually(() => processesOf(place).length === 0, GONE_WITHIN_MS)))
      wrong.push(`${processesOf(place).length} processes have outlived it`);
    const before = await logBelow(place);
    const effects = effectsIn(work);
    wrong.push(...wrongAfterKill(before, effects, eventsIn(first.stdout())));
    const resumed = run('exec', '--events', 'resume', '--last', ...OPTIONS, '-C', work, 'Go on.');
    const code = await resumed.ended;
    if (before.records.length === 0) {
      if (code === 0 || effects.length > 0) wrong.push(`nothing is logged, and ${effects.length} effects are there`);
    } else {
      wrong.push(...(code === 0 ? [] : [`the resume ended with ${code}: ${resumed.stderr().slice(-500)}`]));
      wrong.push(...wrongAfterResume(before, await logBelow(place), eventsIn(resumed.stdout())));
      wrong.push(...wrongCalls(served.wire.requests.at(-1)?.history ?? []));
    }
    if (effectsIn(work).join() !== effects.join()) wrong.push(`effects were ${effects}, and are ${effectsIn(work)}`);
    return { wrong, records: before.records.length, effects: effects.length, ...first.times() };
  } finally {
    served.server.closeAllConnections();
    served.server.close();
    rmSync(place, { recursive: true, force: true });
  }
}

/** So many processes, each killed at another moment between its start and its end, two at a time. */
export async function killExecs(base: string, times: number): Promise<readonly Round[]> {
  const { beginningMs, rest, wrong } = await killAndResume(base, null);
  if (wrong.length > 0) throw new Error(`Expected a run that nobody kills to be right, got: ${wrong.join('; ')}.`);
  const moments = Array.from({ length: times }, (_, at): Moment => {
    const isEarly = at % EARLY_EVERY === EARLY_EVERY - 1;
    return isEarly
      ? { since: 'start', afterMs: Math.random() * beginningMs * 1.5 }
      : { since: 'first-word', afterMs: Math.random() * rest };
  }).values();
  const rounds: Round[] = [];
  const killer = async () => {
    for (const moment of moments) rounds.push(await killAndResume(base, moment));
  };
  await Promise.all([killer(), killer()]);
  return rounds;
}

/** Each of so many is killed while it begins. */
const EARLY_EVERY = 6;

export const name = 'kill-exec';

const TIMES = 300;

/** Kills three hundred `troupe exec` at random moments, and resumes each. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-kill-exec-')));
  try {
    const rounds = await killExecs(base, TIMES);
    const wrong = rounds.flatMap((round) => round.wrong);
    say(lineOf(rounds));
    if (wrong.length > 0) throw new Error(`Not as promised: ${wrong.slice(0, 5).join('; ')}.`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

export function lineOf(rounds: readonly Round[]): string {
  const begun = rounds.filter(({ records }) => records > 0);
  const inTheMiddle = begun.filter(({ effects }) => effects > 0 && effects < CALLS).length;
  const wrong = rounds.flatMap((round) => round.wrong).length;
  return `${rounds.length} killed, ${begun.length} of them with a log, ${inTheMiddle} between the first effect and the last; ${wrong} not as promised`;
}

const OPTIONS = ['-s', 'danger-full-access', '-a', 'never'] as const;

/** A command for each request, each with another effect; to who goes on, a word. */
const SCRIPT: Script = Array.from({ length: CALLS + 2 }, (_, at) => ({ history }) => {
  const isOver = at >= CALLS || JSON.stringify(history).includes('Go on.');
  if (isOver) return { say: 'Done.' };
  const command = `echo effect-${at} >> effects; sleep 0.0${at % 4}`;
  return { say: `Step ${at}.`, call: { name: 'shell', callId: `call_${at}`, arguments: { command } } };
});

function effectsIn(work: string): readonly string[] {
  const path = join(work, 'effects');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

type Log = Readonly<{ records: readonly LogRecord[]; report: Recovery }>;

async function logBelow(place: string): Promise<Log> {
  const names = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  if (names.length > 1) throw new Error(`Expected one log at most, got ${names.join(', ')}.`);
  const report = newRecovery();
  const records: LogRecord[] = [];
  for (const name of names)
    for await (const record of recover([readFileSync(join(place, name))], report)) records.push(record);
  return { records, report };
}

type Told = Readonly<{ seq: number | null; epoch: number; type: string; durable?: false; sessionId: string }>;

/** The events that came out whole. */
function eventsIn(stdout: string): readonly Told[] {
  return stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line): Told => JSON.parse(line));
}

/** Each effect has its start in the log; so has each terminal that was told as safe. Only the last line may be torn. */
function wrongAfterKill(
  { records, report }: Log,
  effects: readonly string[],
  told: readonly Told[],
): readonly string[] {
  const started = records.filter(({ type }) => type === 'item.started').map(({ payload }) => JSON.stringify(payload));
  const seqs = new Set(records.map(({ seq }) => seq));
  return [
    ...new Set(
      effects.filter((effect, at) => effects.indexOf(effect) !== at).map((effect) => `${effect} was done twice`),
    ),
    ...effects
      .filter((effect) => !started.some((text) => text.includes(`${effect} `)))
      .map((effect) => `${effect} was done, and its start is not in the log`),
    ...told
      .filter(
        ({ seq, type, durable }) => type.startsWith('task.completed') && durable !== false && !seqs.has(seq ?? -1),
      )
      .map(({ type }) => `${type} was told, and is not in the log`),
    ...report.damage.filter(({ what }) => what !== 'torn').map(({ message }) => message),
  ];
}

/** The records go on without a gap, in the next epoch, and what was told is what is in the log; nothing is open. */
function wrongAfterResume(before: Log, { records, report }: Log, told: readonly Told[]): readonly string[] {
  const committed = told.filter(({ seq }) => seq !== null);
  const fresh = records.slice(before.records.length);
  const texts = (list: readonly { seq: number | null; epoch: number; type: string }[]) =>
    list.map(({ seq, epoch, type }) => `${seq} ${epoch} ${type}`).join(', ');
  const starts = records.filter(({ type }) => type === 'task.started').length;
  const ends = records.filter(({ type }) => /^task\.(completed|failed|aborted)$/.test(type)).length;
  return [
    ...report.damage.map(({ message }) => message),
    ...(JSON.stringify(records.slice(0, before.records.length)) === JSON.stringify(before.records)
      ? []
      : ['records have changed']),
    // What closes the past comes first.
    ...(committed.length > 0 && texts(fresh) === texts(committed)
      ? []
      : [`told: ${texts(committed)}; logged: ${texts(fresh)}`]),
    ...(fresh.every(({ epoch }) => epoch === 1) ? [] : ['not all that is new is of the next epoch']),
    ...(starts === ends ? [] : [`${starts} tasks began, and ${ends} ended`]),
    ...(records.at(-1)?.type === 'session.closed' ? [] : ['the session was not closed']),
  ];
}

/** Each call that the model is shown has one output. */
function wrongCalls(history: readonly HistoryEntry[]): readonly string[] {
  const calls = history.flatMap((entry) => (entry.type === 'call' ? [entry.callId] : []));
  const outputs = history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : []));
  if (history.length === 0) return ['the model was not asked'];
  return calls.toSorted().join() === outputs.toSorted().join() ? [] : [`calls: ${calls}; outputs: ${outputs}`];
}

type Started = Readonly<{
  child: ChildProcess;
  ended: Promise<number | null>;
  stdout(): string;
  stderr(): string;
  /** It has said its first word, or has ended. */
  begun: Promise<void>;
  times(): Times;
}>;

function start(place: string, url: string, args: readonly string[]): Started {
  const at = performance.now();
  let begunAt = at;
  let endedAt = at;
  const child = spawn(LAUNCHER, args, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: place,
      TROUPE_HOME: join(place, 'home'),
      OPENAI_BASE_URL: url,
      TROUPE_MODEL: 'scripted',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    texts.stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    texts.stderr += piece;
  });
  const begun = new Promise<void>((resolve) => {
    child.stdout.once('data', () => {
      begunAt = performance.now();
      resolve();
    });
    child.once('close', () => resolve());
  });
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      endedAt = performance.now();
      resolve(code);
    }),
  );
  const times = () => ({ beginningMs: begunAt - at, rest: endedAt - begunAt });
  return { child, begun, ended, times, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

/** The living processes whose home this is. */
function processesOf(home: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`HOME=${home}`);
    } catch {
      return false; // It has ended meanwhile, or is somebody else's.
    }
  });
}

/** A model server on this machine that says what the script says. */
async function serve(script: Script): Promise<{ url: string; server: Server; wire: ScriptedWire }> {
  const wire = scriptedWire(script);
  const server = createServer(async (incoming, outgoing) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const method = incoming.method ?? 'GET';
      const response = await wire.fetch(new Request(`http://scripted.invalid${incoming.url}`, { method, body }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      for await (const bytes of response.body ?? []) outgoing.write(bytes);
      outgoing.end();
    } catch {
      outgoing.destroy(); // Who asked is gone.
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // What `listen` with a port gives.
  return { url: `http://127.0.0.1:${port}/v1`, server, wire };
}

if (import.meta.main) await runAlone({ name, run });

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type HistoryEntry, openaiModel, resumeSession, type SessionEvent } from '../../src/index.ts';
import type { LogRecord } from '../../src/rollout/record.ts';
import { newRecovery, type Recovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, type ReplayedState, replay } from '../../src/rollout/replay.ts';
import { verifyLog } from '../../src/rollout/verify/verify.ts';
import type { Script } from '../../src/testing/index.ts';
import { eventually } from './census.ts';
import { type ExecTimes, eventsIn, processesOf, startExec, type ToldEvent, troupeHomeOf } from './exec-process.ts';
import type { ModelServer } from './model-server.ts';

/** How many commands the model asks for before it is done. */
export const CALLS = 6;
/** How long what a killed process has left may be there, in ms. */
const GONE_WITHIN_MS = 5_000;

/** When a process is killed: so long after it was started, or after it has said its first word; null: never. */
export type Moment = Readonly<{ since: 'start' | 'first-word'; afterMs: number }> | null;

/** What goes on with the session afterwards: this process, by the library, or another program. */
export type Resumer = 'library' | 'command';

/** What came of one process that was killed: what is not as promised, and how far it had come. */
export type Round = Readonly<{ wrong: readonly string[]; records: number; effects: number }>;

export type Stage = Readonly<{ base: string; cache: string; server: ModelServer }>;

/** Runs `troupe exec`, kills it (SIGKILL), resumes the session, and looks at what both have left. */
export async function killAndResume(
  { base, cache, server }: Stage,
  moment: Moment,
  resumer: Resumer,
): Promise<Round & ExecTimes> {
  const home = mkdtempSync(join(base, 'round-'));
  const work = join(home, 'work');
  mkdirSync(work);
  const place = { home, url: server.url, cache };
  try {
    const first = startExec(place, ['exec', '--events', ...OPTIONS, '-C', work, 'Begin.']);
    if (moment !== null) {
      if (moment.since === 'first-word') await first.begun;
      setTimeout(() => first.child.kill('SIGKILL'), moment.afterMs);
    }
    await first.ended;
    const wrong: string[] = [];
    if (!(await eventually(() => processesOf(home).length === 0, GONE_WITHIN_MS)))
      wrong.push(`${processesOf(home).length} processes have outlived it`);
    const before = await logBelow(home);
    const effects = effectsIn(work);
    wrong.push(...wrongAfterKill(before, effects, eventsIn(first.stdout())));
    const sessionId = before.state.sessionId;
    if (sessionId === null) {
      if (effects.length > 0) wrong.push(`nothing is logged, and ${effects.length} effects are there`);
    } else {
      const resumed = resumer === 'library' ? await byLibrary(sessionId, before, place) : await byCommand(work, place);
      wrong.push(...resumed.wrong);
      const after = await logBelow(home);
      wrong.push(...(await wrongAfterResume(before, after, resumed.told)));
      const shown = server.wire.requests.filter(({ cacheKey }) => cacheKey === sessionId).at(-1)?.history ?? [];
      wrong.push(...wrongCalls(shown));
    }
    if (effectsIn(work).join() !== effects.join()) wrong.push(`effects were ${effects}, and are ${effectsIn(work)}`);
    return { wrong, records: before.records.length, effects: effects.length, ...first.times() };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

type Place = Parameters<typeof startExec>[0];
type Resumption = Readonly<{ wrong: readonly string[]; told: readonly ToldEvent[] }>;

async function byCommand(work: string, place: Place): Promise<Resumption> {
  const words = ['exec', '--events', 'resume', '--last', ...OPTIONS, '-C', work, 'Go on.'];
  const resumed = startExec(place, words);
  const code = await resumed.ended;
  const wrong = code === 0 ? [] : [`the resume ended with ${code}: ${resumed.stderr().slice(-500)}`];
  return { wrong, told: eventsIn(resumed.stdout()) };
}

/** Resumes the session here; what it has then is what its log says. */
async function byLibrary(sessionId: string, before: Log, { home, url }: Place): Promise<Resumption> {
  const session = await resumeSession(sessionId, {
    model: openaiModel({ model: 'scripted', apiKey: 'none', baseURL: url }),
    home: troupeHomeOf(home),
    projectInstructions: false,
  });
  const told: SessionEvent[] = [];
  session.events$.subscribe((event) => {
    told.push(event);
  });
  const has = { history: session.entries(), items: session.history(), usage: session.usage };
  const { state } = await logBelow(home);
  const wrong: string[] = [];
  const says = { history: state.history, items: state.items, usage: state.usage };
  for (const part of ['history', 'items', 'usage'] as const)
    if (!isDeepStrictEqual(plain(has[part]), plain(says[part]))) wrong.push(`${part} is not what the log says`);
  for (const part of ['history', 'items'] as const)
    if (!isDeepStrictEqual(plain(has[part].slice(0, before.state[part].length)), plain(before.state[part])))
      wrong.push(`${part} does not begin with what the log said before`);
  try {
    const outcome = await session.run('Go on.').outcome;
    if (outcome.status !== 'completed') wrong.push(`the resumed task ended so: ${JSON.stringify(outcome)}`);
  } finally {
    await session.close();
  }
  return { wrong, told };
}

/** As it is after it has been written and read: members that are undefined are none. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const OPTIONS = ['-s', 'danger-full-access', '-a', 'never'] as const;

/** A command for each request, each with another effect; to who goes on, a word. It knows from the request how far it is. */
export const SCRIPT: Script = Array.from({ length: 20_000 }, () => ({ history }) => {
  const at = history.filter(({ type }) => type === 'output').length;
  const isOver = at >= CALLS || JSON.stringify(history).includes('Go on.');
  if (isOver) return { say: 'Done.' };
  const command = `echo effect-${at} >> effects; sleep 0.0${at % 4}`;
  return { say: `Step ${at}.`, call: { name: 'shell', callId: `call_${at}`, arguments: { command } } };
});

function effectsIn(work: string): readonly string[] {
  const path = join(work, 'effects');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

type Log = Readonly<{ bytes: Uint8Array; records: readonly LogRecord[]; report: Recovery; state: ReplayedState }>;

async function logBelow(home: string): Promise<Log> {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  if (names.length > 1) throw new Error(`Expected one log at most, got ${names.join(', ')}.`);
  const bytes = Buffer.concat(names.map((name) => readFileSync(join(home, name))));
  const report = newRecovery();
  const state = emptyState();
  const records: LogRecord[] = [];
  for await (const record of recover([bytes], report)) {
    records.push(record);
    replay(state, record);
  }
  return { bytes, records, report, state };
}

/** Each effect has its start in the log; so has each terminal that was told as safe. Only the last line may be torn. */
function wrongAfterKill(
  { records, report }: Log,
  effects: readonly string[],
  told: readonly ToldEvent[],
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
async function wrongAfterResume(before: Log, after: Log, told: readonly ToldEvent[]): Promise<readonly string[]> {
  const { records, report } = after;
  const committed = told.filter(({ seq }) => seq !== null);
  const fresh = records.slice(before.records.length);
  const texts = (list: readonly { seq: number | null; epoch: number; type: string }[]) =>
    list.map(({ seq, epoch, type }) => `${seq} ${epoch} ${type}`).join(', ');
  const verdict = await verifyLog([after.bytes]);
  return [
    ...report.damage.map(({ message }) => message),
    ...(verdict.verdict === 'legal' && verdict.isClosed && verdict.openTasks.length === 0
      ? []
      : [`the log is not that of a session that has ended: ${JSON.stringify(verdict)}`]),
    ...(isDeepStrictEqual(records.slice(0, before.records.length), before.records) ? [] : ['records have changed']),
    // What closes the past comes first.
    ...(committed.length > 0 && texts(fresh) === texts(committed)
      ? []
      : [`told: ${texts(committed)}; logged: ${texts(fresh)}`]),
    ...(fresh.every(({ epoch }) => epoch === 1) ? [] : ['not all that is new is of the next epoch']),
  ];
}

/** Each call that the model is shown has one output. */
function wrongCalls(history: readonly HistoryEntry[]): readonly string[] {
  const calls = history.flatMap((entry) => (entry.type === 'call' ? [entry.callId] : []));
  const outputs = history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : []));
  if (history.length === 0) return ['the model was not asked'];
  return calls.toSorted().join() === outputs.toSorted().join() ? [] : [`calls: ${calls}; outputs: ${outputs}`];
}

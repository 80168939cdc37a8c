import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import {
  createSession,
  defineTool,
  type HistoryEntry,
  resumeSession,
  type Session,
  type SessionOptions,
  TroupeError,
} from '../../src/index.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, replay } from '../../src/rollout/replay.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { expectLegalLogsBelow } from '../legal-logs.ts';
import { brokenByCalls } from '../simulation/laws.ts';
import { type DiskFault, disk, setDisk } from './faulty-disk.ts';

vi.mock('node:fs/promises', async (original) => {
  const { faulty } = await import('./faulty-disk.ts');
  return faulty(await original<typeof import('node:fs/promises')>());
});

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'troupe-faults-'));
});
afterEach(() => {
  setDisk(null);
  rmSync(base, { recursive: true, force: true });
});

const KINDS: readonly DiskFault['how'][] = ['EIO', 'crash', 'short', 'ENOSPC', 'EROFS', 'EMFILE'];

/** Kinds of errors differ in their words only: most are met at some of the operations, unless there is time (`npm run torture`). */
const STRIDES: Readonly<Record<DiskFault['how'], number>> = {
  crash: 1,
  EIO: 2,
  short: 3,
  ENOSPC: 4,
  EROFS: 5,
  EMFILE: 5,
};
const strideOf = (how: DiskFault['how']) => (process.env.TROUPE_TORTURE === undefined ? STRIDES[how] : 1);

/** Where the logs of a home are, by the ids of their sessions. */
function logsIn(home: string): ReadonlyMap<string, string> {
  if (!existsSync(home)) return new Map();
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return new Map(names.map((name) => [name.replace(/^.*\/|\.jsonl$/g, ''), join(home, name)]));
}

/** A tool that does something each time, and looks whether the log had said so before. */
function effects(home: string) {
  const done: string[] = [];
  const unlogged: string[] = [];
  const tool = defineTool({
    name: 'effect',
    description: 'Does something.',
    input: z.object({}),
    execute: (_, { callId }) => {
      done.push(callId);
      const logs = [...logsIn(home).values()].map((path) => readFileSync(path, 'utf8'));
      const isLogged = logs.some((text) =>
        text.split('\n').some((line) => line.includes('"type":"item.started"') && line.includes(`"${callId}"`)),
      );
      if (!isLogged) unlogged.push(callId);
      return 'done';
    },
  });
  return { tool, done, unlogged };
}

const call = (callId: string) => ({ call: { name: 'effect', arguments: {}, callId } });

const optionsOf = (home: string, script: Script, tool: ReturnType<typeof effects>['tool']): SessionOptions => ({
  model: scriptedModel(script),
  home,
  tools: [tool],
  projectInstructions: false,
  checkpoints: 'off',
  cwd: base,
});

/** The tasks that people were told have completed, safely; what a resume ends did not. */
function safeTerminals(session: Session): readonly string[] {
  const safe: string[] = [];
  session.events$.subscribe((event) => {
    if (event.type === 'task.completed' && !('durable' in event)) safe.push(event.taskId ?? '');
  });
  return safe;
}

async function found(path: string | undefined) {
  const state = emptyState();
  const report = newRecovery();
  const ended: string[] = [];
  const bytes = path === undefined ? Buffer.alloc(0) : readFileSync(path);
  for await (const record of recover([bytes], report)) {
    replay(state, record);
    if (isTerminal(record)) ended.push((record.payload as { taskId: string }).taskId);
  }
  return { state, report, ended };
}

/** What a process has left that has died has locks of a process that has died. */
function letDie(home: string): void {
  if (!existsSync(home)) return;
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    if (!name.includes('.jsonl.lock')) continue;
    const path = join(home, name);
    const text = readFileSync(path, 'utf8');
    if (text.endsWith('}')) writeFileSync(path, JSON.stringify({ ...JSON.parse(text), startTime: 1 }));
  }
}

/** What must hold afterwards, when the disk works again: nothing acknowledged is lost, nothing is done twice, and it goes on. */
async function expectToGoOn(
  home: string,
  sessionId: string,
  live: Readonly<{ entries: readonly HistoryEntry[]; safe: readonly string[]; effect: ReturnType<typeof effects> }>,
): Promise<void> {
  setDisk(null);
  letDie(home);
  await expectLegalLogsBelow(home);
  const before = await found(logsIn(home).get(sessionId));
  expect(live.effect.unlogged).toEqual([]);
  expect(before.ended).toEqual(expect.arrayContaining([...live.safe]));
  expect(JSON.stringify(live.entries.slice(0, before.state.history.length))).toBe(JSON.stringify(before.state.history));
  const ran = [...live.effect.done];
  let session: Session;
  try {
    session = await resumeSession(sessionId, optionsOf(home, [{ say: 'on' }], live.effect.tool));
  } catch (error) {
    expect(error).toBeInstanceOf(TroupeError);
    expect([before.report.records, live.safe]).toEqual([0, []]);
    return;
  }
  expect(brokenByCalls(session.entries())).toEqual([]);
  const safe = safeTerminals(session);
  expect(await session.run('go on').outcome).toMatchObject({ status: 'completed', answer: 'on' });
  const entries = session.entries();
  await session.close();
  expect(live.effect.done).toEqual(ran);
  const after = await found(logsIn(home).get(sessionId));
  expect(after.report.damage).toEqual([]);
  await expectLegalLogsBelow(home);
  expect(JSON.stringify(after.state.history)).toBe(JSON.stringify(entries));
  expect([safe.length, after.state.isClosed, after.state.tasks.size]).toEqual([1, true, 0]);
}

/** Runs with a fault at the first operation, the second and so on, until one run has passed without meeting it. */
async function atEach(how: DiskFault['how'], run: (fault: DiskFault) => Promise<void>): Promise<number> {
  for (let n = 1; ; n += strideOf(how)) {
    try {
      await run({ n, how });
    } catch (error) {
      throw new Error(
        `With ${how} at operation ${n} (${disk.hit}): ${error instanceof Error ? error.message : error}`,
        { cause: error },
      );
    }
    if (wasMet === null) return n - 1;
  }
}
let wasMet: string | null = null;

describe('a disk that fails once', () => {
  it.each(KINDS)('with %s, at any operation of a session: nothing acknowledged is lost or done twice', async (how) => {
    const times = await atEach(how, async (fault) => {
      const home = join(base, `home-${fault.n}`);
      const effect = effects(home);
      setDisk(fault);
      const session = createSession(
        optionsOf(home, [call('a'), { say: 'one' }, call('b'), { say: 'two' }], effect.tool),
      );
      const safe = safeTerminals(session);
      const first = await session.run('one').outcome;
      const second = await session.run('two').outcome;
      const entries = session.entries();
      await session.close();
      wasMet = disk.hit;
      expect([first.status, second.status]).toEqual(['completed', 'completed']);
      // What is short is written on; all else that fails is said.
      if (wasMet === null || how === 'short') expect([effect.done, safe.length]).toEqual([['a', 'b'], 2]);
      await expectToGoOn(home, session.id, { entries, safe, effect });
      rmSync(home, { recursive: true, force: true });
    });
    expect(times).toBeGreaterThan(30);
  });

  it.each(KINDS)('with %s, at any operation of a resume: the next one comes to the same', async (how) => {
    const origin = join(base, 'origin');
    const running = Promise.withResolvers<void>();
    const hang = defineTool({
      name: 'effect',
      description: 'Does something.',
      input: z.object({}),
      execute: (_, { signal }) => {
        running.resolve();
        return new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('stopped')));
      },
    });
    const first = createSession(optionsOf(origin, [call('a'), { say: 'one' }].slice(0, 1), hang));
    const task = first.run('one');
    await running.promise;
    const crashed = join(base, 'crashed');
    cpSync(origin, crashed, { recursive: true });
    await task.abort();
    await first.close();
    const log = logsIn(crashed).get(first.id) ?? '';
    writeFileSync(log, '{"v":1,"seq":', { flag: 'a' });
    letDie(crashed);

    const times = await atEach(how, async (fault) => {
      const home = join(base, `home-${fault.n}`);
      cpSync(crashed, home, { recursive: true });
      const effect = effects(home);
      setDisk(fault);
      let entries: readonly HistoryEntry[] | null = null;
      let safe: readonly string[] = [];
      try {
        const session = await resumeSession(first.id, optionsOf(home, [call('b'), { say: 'two' }], effect.tool));
        safe = safeTerminals(session);
        expect((await session.run('two').outcome).status).toBe('completed');
        entries = session.entries();
        await session.close();
      } catch (error) {
        // It is the disk that refuses, and it says why.
        expect(String(error)).toMatch(/operation \d+ of the disk|a machine that is off/);
      }
      wasMet = disk.hit;
      if (wasMet === null || how === 'short') expect([effect.done, safe.length]).toEqual([['b'], 1]);
      const before = (await found(logsIn(home).get(first.id))).state.history;
      await expectToGoOn(home, first.id, { entries: entries ?? before, safe, effect });
      rmSync(home, { recursive: true, force: true });
    });
    expect(times).toBeGreaterThan(30);
  });
});

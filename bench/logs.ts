import { createWriteStream, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileLogStore } from '../src/here/file-log-store.ts';
import { createSession, openaiModel } from '../src/index.ts';
import { encodeRecord, type LogRecord } from '../src/rollout/record.ts';
import { newRecovery, recover } from '../src/rollout/recover.ts';
import { emptyState, replay } from '../src/rollout/replay.ts';
import { createLogWriter } from '../src/rollout/writer.ts';
import type { Bench, Figures } from './measures.ts';
import { USER_TEXT } from './peer.ts';
import type { Scenario } from './scenarios.ts';
import { quantile } from './statistics.ts';

/** How many wait for their own record at once. */
const PRODUCERS = 256;
/** And a smaller group, of which the work for each record is a greater part. */
const FEWER_PRODUCERS = 64;
/** How often the two take turns. */
const TURNS = 20;
/** How long the text of a record is, so that the record has about 500 bytes. */
const TEXT = 'x'.repeat(330);
const MEBIBYTE = 1024 * 1024;

/** What logs cost: writing them durably, reading them again, and what a turn waits for the disk. */
export const LOG_SCENARIOS: readonly Scenario[] = [
  {
    number: 13,
    name: 'log-appends',
    peers: ['troupe'],
    repetitions: 3,
    size: { warmUp: 50, count: 20_000 },
    quick: { warmUp: 5, count: 200 },
    rows: [
      { figure: 'groupPerSecond', what: 'durable records by group commit, 256 at once', unit: '/s', target: null },
      { figure: 'singlePerSecond', what: 'durable records with a sync for each', unit: '/s', target: null },
      {
        figure: 'share',
        what: 'time of the first to that of the second',
        unit: '×',
        target: { of: 'troupe', atMost: 0.05 },
      },
      { figure: 'shareOfFewer', what: 'the same with 64 at once', unit: '×', target: null },
    ],
  },
  {
    number: 14,
    name: 'log-replay',
    peers: ['troupe'],
    repetitions: 3,
    size: { warmUp: 1_000, count: 100_000 },
    quick: { warmUp: 100, count: 1_000 },
    rows: [
      { figure: 'replayMs', what: 'replay of 100,000 records of a conversation', unit: 'ms', target: null },
      { figure: 'perSecond', what: 'records in a second', unit: '/s', target: null },
    ],
  },
  {
    number: 15,
    name: 'log-memory',
    peers: ['troupe'],
    repetitions: 1,
    size: { warmUp: 0, count: 1_024 },
    quick: { warmUp: 0, count: 8 },
    rows: [
      { figure: 'readMs', what: 'a log of 1 GiB from its file, each record checked', unit: 'ms', target: null },
      {
        figure: 'growthMb',
        what: 'memory of our process for that',
        unit: 'MiB',
        target: { of: 'troupe', atMost: 200 },
      },
    ],
  },
  {
    number: 16,
    name: 'durable-turn',
    peers: ['troupe'],
    repetitions: 3,
    size: { warmUp: 50, count: 300 },
    quick: { warmUp: 2, count: 5 },
    rows: [
      { figure: 'offMs', what: 'turn that is not logged (text-20), p50', unit: 'ms', target: null },
      { figure: 'durableMs', what: 'turn that is on the disk when its end is told, p50', unit: 'ms', target: null },
      { figure: 'addedMs', what: 'the second less the first', unit: 'ms', target: null },
    ],
  },
];

export const LOG_MEASURES: Readonly<Record<string, (bench: Bench) => Promise<Figures>>> = {
  'log-appends': ({ size }) =>
    inDirectory(async (home) => {
      const [group, single] = [appender(home, 'group'), appender(home, 'single')];
      await group.append(size.warmUp, PRODUCERS);
      await single.append(size.warmUp, 1);
      // In turns, so that whatever else the machine does meanwhile falls on both.
      const times = { group: [] as number[], single: [] as number[], share: [] as number[], fewer: [] as number[] };
      const [groupCount, singleCount] = [Math.ceil(size.count / TURNS), Math.ceil(size.count / TURNS / PRODUCERS)];
      for (let turn = 0; turn < TURNS; turn += 1) {
        const one = (await single.append(singleCount, 1)) / singleCount;
        const many = (await group.append(groupCount, PRODUCERS)) / groupCount;
        times.single.push(one);
        times.group.push(many);
        times.share.push(many / one);
        times.fewer.push((await group.append(groupCount, FEWER_PRODUCERS)) / groupCount / one);
      }
      await Promise.all([group.close(), single.close()]);
      return {
        groupPerSecond: 1_000 / quantile(times.group, 0.5),
        singlePerSecond: 1_000 / quantile(times.single, 0.5),
        share: quantile(times.share, 0.5),
        shareOfFewer: quantile(times.fewer, 0.5),
      };
    }),
  async 'log-replay'({ size }) {
    await replayMs(size.warmUp);
    const took = await replayMs(size.count);
    return { replayMs: took, perSecond: (size.count / took) * 1_000 };
  },
  'log-memory': ({ size }) => inDirectory((home) => readBig(home, size.count * MEBIBYTE)),
  'durable-turn': ({ size, serverURL }) =>
    inDirectory(async (home) => {
      const model = openaiModel({ model: 'text-20', apiKey: 'none', baseURL: `${serverURL}/v1` });
      const took = { off: [] as number[], durable: [] as number[] };
      for (let done = 0; done < size.warmUp + size.count; done += 1) {
        for (const rollout of ['off', 'durable'] as const) {
          const session = createSession({ model, rollout, home, projectInstructions: false, checkpoints: 'off' });
          const startedAt = performance.now();
          await session.run(USER_TEXT).orThrow();
          if (done >= size.warmUp) took[rollout].push(performance.now() - startedAt);
          await session.close();
        }
      }
      const [offMs, durableMs] = [quantile(took.off, 0.5), quantile(took.durable, 0.5)];
      return { offMs, durableMs, addedMs: durableMs - offMs };
    }),
};

type Appender = Readonly<{
  /** Appends so many records, so many at a time, each of whom waits until its own is on the disk; gives how long that took. */
  append(count: number, producers: number): Promise<number>;
  close(): Promise<void>;
}>;

function appender(home: string, sessionId: string): Appender {
  const writer = createLogWriter({
    sessionId,
    open: () => fileLogStore(home).create(sessionId, 0),
    mode: 'durable',
    onFailure: (message) => {
      throw new Error(message);
    },
  });
  let next = 0;
  return {
    async append(count, producers) {
      const end = next + count;
      const produce = async () => {
        while (next < end) {
          const seq = next;
          next += 1;
          writer.append(recordOf(seq), { sync: true });
          if (!(await writer.safe(seq)))
            throw new Error(`Expected record ${seq} to be written, got: ${writer.failure}.`);
        }
      };
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: producers }, produce));
      return performance.now() - startedAt;
    },
    close: () => writer.close(),
  };
}

function recordOf(seq: number): LogRecord {
  const item = { id: `item-${seq}`, type: 'agent_message', text: TEXT };
  return {
    seq,
    epoch: 0,
    time: '2026-03-01T12:00:00.000Z',
    type: 'item.completed',
    payload: { type: 'item.completed', item },
  };
}

/** The records of a conversation: in each step something is said, and enters the history. */
function* conversation(count: number): Generator<Uint8Array> {
  for (let seq = 0; seq < count; seq += 1) {
    const record = recordOf(seq);
    const history = { op: 'append', entries: [{ type: 'message', role: 'assistant', text: TEXT }] };
    yield encodeRecord(seq % 2 === 0 ? record : { ...record, payload: { ...Object(record.payload), history } });
  }
}

async function replayMs(count: number): Promise<number> {
  const bytes = Buffer.concat([...conversation(count)]);
  const startedAt = performance.now();
  const state = emptyState();
  for await (const record of recover([bytes], newRecovery())) replay(state, record);
  if (state.items.length !== count) throw new Error(`Expected ${count} items, got ${state.items.length}.`);
  return performance.now() - startedAt;
}

/** Goes through a log of so many bytes, without keeping what it says. */
async function readBig(home: string, bytes: number): Promise<Figures> {
  const store = fileLogStore(home);
  const file = await store.create('big', 0);
  await file.close();
  const out = createWriteStream(file.location);
  let records = 0;
  for (let written = 0; written < bytes; records += 1) {
    const line = encodeRecord(recordOf(records));
    written += line.length;
    if (!out.write(line)) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
  }
  await new Promise<void>((resolve) => out.end(() => resolve()));
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const startedAt = performance.now();
  const report = newRecovery();
  for await (const { seq } of recover((await store.pieces('big')) ?? [], report)) {
    if (seq % 10_000 === 0) most = Math.max(most, process.memoryUsage().rss);
  }
  const took = performance.now() - startedAt;
  if (report.records !== records) throw new Error(`Expected ${records} records, got ${report.records}.`);
  return { readMs: took, growthMb: Math.max(0, most - before) / MEBIBYTE };
}

async function inDirectory(measure: (home: string) => Promise<Figures>): Promise<Figures> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-bench-')));
  try {
    return await measure(home);
  } finally {
    rmSync(home, { recursive: true });
  }
}

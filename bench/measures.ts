import { monitorEventLoopDelay } from 'node:perf_hooks';
import { COMMAND_MEASURES } from './commands.ts';
import { LOG_MEASURES } from './logs.ts';
import { measureDecisions } from './nested-decision.ts';
import { measureNestedRequests } from './nested-requests.ts';
import { measurePage } from './page.ts';
import type { Peer, PeerName } from './peer.ts';
import type { Size } from './scenarios.ts';
import type { ServerState } from './server.ts';
import { measureSnapshots } from './snapshots.ts';
import { measureStartUp } from './start-up.ts';
import { quantile } from './statistics.ts';

/** What one measurement came to, by the names of the figures. */
export type Figures = Readonly<Record<string, number>>;

export type Bench = Readonly<{
  name: PeerName;
  peer: Peer;
  size: Size;
  serverURL: string;
  serverState(): Promise<ServerState>;
}>;

/** The measurements, by the names of the scenarios. Each runs in a process of its own. */
export const MEASURES: Readonly<Record<string, (bench: Bench) => Promise<Figures>>> = {
  turn: (bench) => measureTurns(bench, 'text-20', 1),
  'tool-round': (bench) => measureTurns(bench, 'tools-5', 5),
  'idle-heap': measureIdleHeap,
  abort: measureAborts,
  'deltas-to-1': (bench) => measureDeltas(bench, 1),
  'deltas-to-10': (bench) => measureDeltas(bench, 10),
  'long-session': measureLongSession,
  burst: measureBurst,
  'start-up': ({ name, size, serverURL }) => measureStartUp(name, size, serverURL),
  'nested-requests': (bench) => measureNestedRequests(bench, 'session-as-tool'),
  'nested-agents': (bench) => measureNestedRequests(bench, 'sub-sessions'),
  snapshots: measureSnapshots,
  page: measurePage,
  decision: ({ size }) => measureDecisions(size),
  ...COMMAND_MEASURES,
  ...LOG_MEASURES,
};

/** CPU of the whole process since `since`, all threads and the garbage collector included, in ms. */
function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

async function measureTurns({ peer, size, serverState }: Bench, model: string, rounds: number): Promise<Figures> {
  const freshTurn = async () => {
    const conversation = peer.open(model);
    await conversation.turn();
    await conversation.close();
  };
  await repeat(size.warmUp, freshTurn);
  const before = await serverState();
  const start = process.cpuUsage();
  await repeat(size.count, freshTurn);
  const spent = cpuMs(start);
  const after = await serverState();
  const bodyBytes = (after.bodyBytes - before.bodyBytes) / (after.requests - before.requests);
  return { cpuMs: spent / size.count / rounds, bodyKb: bodyBytes / 1_000 };
}

/** How long whatever was started in a turn may need to let go by itself before the heap is read, in ms. */
const LET_GO_MS = 300;

async function measureIdleHeap({ peer, size }: Bench): Promise<Figures> {
  await repeat(size.warmUp, async () => {
    const conversation = peer.open('text-20');
    await conversation.turn();
    await conversation.close();
  });
  const before = await memoryAtRest();
  const idle = Array.from({ length: size.count }, () => peer.open('text-20'));
  for (const conversation of idle) await conversation.turn();
  const after = await memoryAtRest();
  const perSession = (key: 'heapUsed' | 'arrayBuffers') => (after[key] - before[key]) / idle.length / 1_024;
  return { heapKb: perSession('heapUsed'), arrayBuffersKb: perSession('arrayBuffers') };
}

/** How often is collected: signals that depend on signals go one after the other. */
const COLLECTIONS = 6;

async function memoryAtRest(): Promise<NodeJS.MemoryUsage> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Expected node --expose-gc, got a process that cannot collect on demand.');
  await sleep(LET_GO_MS);
  await repeat(COLLECTIONS, async () => {
    gc();
    await sleep(10); // What was finalised lets go of more, in a later turn of the event loop.
  });
  return process.memoryUsage();
}

/** How long a client is left alone after the server has sent its headers, so that it really hangs, in ms. */
const HANG_MS = 3;
/** How long the server is given to see connections close, in ms. */
const CLOSE_MS = 3_000;

async function measureAborts({ peer, size, serverState }: Bench): Promise<Figures> {
  const started = (await serverState()).hung;
  const latencies: number[] = [];
  for (let done = 0; done < size.warmUp + size.count; done += 1) {
    const conversation = peer.open('hang');
    const turn = conversation.begin();
    while ((await serverState()).hung <= started + done) await sleep(1);
    await sleep(HANG_MS);
    const at = performance.now();
    turn.abort();
    await turn.aborted;
    latencies.push(performance.now() - at);
    await conversation.close();
  }
  const measured = latencies.slice(size.warmUp);
  const until = performance.now() + CLOSE_MS;
  while ((await serverState()).hanging > 0 && performance.now() < until) await sleep(5);
  const { hanging } = await serverState();
  return { p50Ms: quantile(measured, 0.5), p99Ms: quantile(measured, 0.99), socketsLeft: hanging };
}

/** Deltas in each stream. */
const STREAM_DELTAS = 20_000;

async function measureDeltas({ peer, size }: Bench, subscribers: number): Promise<Figures> {
  const stream = async () => {
    const conversation = peer.open(`deltas-${STREAM_DELTAS}`);
    const seen = Array.from({ length: subscribers }, () => ({ deltas: 0 }));
    for (const count of seen) {
      conversation.follow(() => {
        count.deltas += 1;
      });
    }
    await conversation.turn();
    await conversation.close();
    const short = seen.find(({ deltas }) => deltas !== STREAM_DELTAS);
    if (short !== undefined) throw new Error(`Expected ${STREAM_DELTAS} deltas for each, got ${short.deltas}.`);
  };
  await repeat(size.warmUp, stream);
  const start = process.cpuUsage();
  await repeat(size.count, stream);
  return { cpuUs: (cpuMs(start) * 1_000) / (size.count * STREAM_DELTAS) };
}

/** How often the loop is looked at, in ms. */
const LOOK_MS = 1;

/** All are opened and started in one go, as nobody paces them; then the loop is watched until the last has ended. */
async function measureBurst({ peer, size }: Bench): Promise<Figures> {
  await repeat(size.warmUp, async () => {
    const conversation = peer.open('tools-5');
    await conversation.turn();
    await conversation.close();
  });
  await sleep(LET_GO_MS);
  const delays = monitorEventLoopDelay({ resolution: LOOK_MS });
  delays.enable();
  await sleep(10 * LOOK_MS);
  const start = process.cpuUsage();
  await Promise.all(
    Array.from({ length: size.count }, async () => {
      const conversation = peer.open('tools-5');
      await conversation.turn();
      await conversation.close();
    }),
  );
  const spent = cpuMs(start);
  await sleep(10 * LOOK_MS);
  delays.disable();
  return { cpuMs: spent / size.count, heldMs: delays.max / 1_000_000 - LOOK_MS };
}

/** The windows lie around the turns of which they tell: 100 and 2,000, where the size is 200. */
async function measureLongSession({ peer, size }: Bench): Promise<Figures> {
  await repeat(size.warmUp, async () => {
    const conversation = peer.open('deltas-5');
    await conversation.turn();
    await conversation.close();
  });
  const conversation = peer.open('deltas-5');
  const turn = () => conversation.turn();
  const window = async () => {
    const start = process.cpuUsage();
    await repeat(size.count, turn);
    return cpuMs(start) / size.count;
  };
  await repeat(size.count / 2, turn);
  const earlyMs = await window();
  await repeat(size.count * 8.5, turn);
  const lateMs = await window();
  await conversation.close();
  return { earlyMs, lateMs, growth: lateMs / earlyMs };
}

async function repeat(times: number, what: () => Promise<void>): Promise<void> {
  for (let done = 0; done < times; done += 1) await what();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

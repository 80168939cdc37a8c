import { COMMAND_SCENARIOS } from './commands.ts';
import { LOG_SCENARIOS } from './logs.ts';
import { DEPTHS } from './nested-requests.ts';
import { PEER_NAMES, type PeerName } from './peer.ts';
import { START_UP_ROWS } from './start-up.ts';

/** A figure of ours, and at most how much it is to be: as such, or as a ratio to the baseline (DESIGN.md, section 12). */
export type Target = Readonly<{ of: 'ratio' | 'troupe'; atMost: number }>;

/** One line of the table. */
export type Row = Readonly<{ figure: string; what: string; unit: string; target: Target | null }>;

/** How much is done before anything is measured, and how much is measured. */
export type Size = Readonly<{ warmUp: number; count: number }>;

export type Scenario = Readonly<{
  /** What `--only` takes; variants of one scenario share it. */
  number: number;
  name: string;
  peers: readonly PeerName[];
  repetitions: number;
  size: Size;
  quick: Size;
  rows: readonly Row[];
}>;

/** Repetitions under `--quick`. */
export const QUICK_REPETITIONS = 1;

const ratio = (atMost: number): Target => ({ of: 'ratio', atMost });
const own = (atMost: number): Target => ({ of: 'troupe', atMost });

export const SCENARIOS: readonly Scenario[] = [
  {
    number: 1,
    name: 'turn',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 2_000, count: 1_000 },
    quick: { warmUp: 10, count: 20 },
    rows: [
      { figure: 'cpuMs', what: 'CPU of a turn, each in a fresh session (text-20)', unit: 'ms', target: ratio(1) },
      { figure: 'bodyKb', what: 'its request body', unit: 'kB', target: null },
    ],
  },
  {
    number: 2,
    name: 'tool-round',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 200, count: 200 },
    quick: { warmUp: 3, count: 5 },
    rows: [
      { figure: 'cpuMs', what: 'CPU of a tool round (tools-5, whole run / 5)', unit: 'ms', target: ratio(1) },
      { figure: 'bodyKb', what: 'its request bodies, mean', unit: 'kB', target: null },
    ],
  },
  {
    number: 3,
    name: 'idle-heap',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 1_500, count: 1_500 },
    quick: { warmUp: 20, count: 50 },
    rows: [
      { figure: 'heapKb', what: 'heap of an idle live session after one turn', unit: 'KiB', target: own(7) },
      { figure: 'arrayBuffersKb', what: 'its memory outside the heap', unit: 'KiB', target: null },
    ],
  },
  {
    number: 4,
    name: 'abort',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 100, count: 150 },
    quick: { warmUp: 3, count: 10 },
    rows: [
      { figure: 'p50Ms', what: 'abort of a hanging stream, p50', unit: 'ms', target: ratio(1.3) },
      { figure: 'p99Ms', what: 'the same, p99', unit: 'ms', target: null },
      { figure: 'socketsLeft', what: 'connections that the server still saw open', unit: '', target: own(0) },
    ],
  },
  deltas(1, null),
  deltas(10, ratio(0.4)),
  {
    number: 6,
    name: 'long-session',
    peers: PEER_NAMES,
    repetitions: 2,
    size: { warmUp: 300, count: 200 },
    quick: { warmUp: 3, count: 6 },
    rows: [
      { figure: 'earlyMs', what: 'CPU of a turn after 100 (deltas-5)', unit: 'ms', target: null },
      { figure: 'lateMs', what: 'CPU of a turn after 2,000', unit: 'ms', target: null },
      { figure: 'growth', what: 'the second to the first', unit: '×', target: own(1.5) },
    ],
  },
  {
    number: 7,
    name: 'decision',
    peers: ['troupe'],
    repetitions: 3,
    size: { warmUp: 500, count: 1_000 },
    quick: { warmUp: 5, count: 20 },
    rows: [
      { figure: 'p50Us', what: 'decision from the root to the asker at depth 8, p50', unit: 'µs', target: own(10) },
      { figure: 'p99Us', what: 'the same, p99', unit: 'µs', target: null },
    ],
  },
  ...COMMAND_SCENARIOS,
  {
    number: 11,
    name: 'burst',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 200, count: 1_000 },
    quick: { warmUp: 3, count: 20 },
    rows: [
      { figure: 'cpuMs', what: 'CPU of a session, 1,000 started at once (tools-5)', unit: 'ms', target: ratio(1.25) },
      { figure: 'heldMs', what: 'the longest that they held the event loop', unit: 'ms', target: own(150) },
    ],
  },
  {
    number: 12,
    name: 'start-up',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 3, count: 10 },
    quick: { warmUp: 1, count: 1 },
    rows: START_UP_ROWS,
  },
  ...LOG_SCENARIOS,
  nested('nested-requests', 'agents as tools', ratio(1.2)),
  nested('nested-agents', 'agents that are started and awaited', null),
  {
    number: 18,
    name: 'snapshots',
    peers: ['troupe'],
    repetitions: 1,
    size: { warmUp: 0, count: 50_000 },
    quick: { warmUp: 0, count: 500 },
    rows: [
      { figure: 'firstMs', what: 'checkpoint of 50,000 files', unit: 'ms', target: null },
      { figure: 'secondMs', what: 'the next one, after 20 have changed', unit: 'ms', target: null },
      { figure: 'secondPart', what: 'as a part of the first', unit: '', target: own(0.2) },
      { figure: 'storeMb', what: 'what is kept of both', unit: 'MiB', target: null },
    ],
  },
  {
    number: 19,
    name: 'page',
    peers: ['troupe'],
    repetitions: 1,
    size: { warmUp: 100, count: 1_000 },
    quick: { warmUp: 5, count: 20 },
    rows: [
      { figure: 'perSecond', what: 'events a second of 100 sessions, with the page open', unit: '', target: null },
      { figure: 'openWall', what: 'time of the same work, with the page open to without', unit: '×', target: own(1.1) },
      { figure: 'withoutCpuMs', what: 'its CPU, without an inspector', unit: 'ms', target: null },
      { figure: 'attachedCpu', what: 'with one and no page open', unit: '×', target: null },
      { figure: 'openCpu', what: 'with the page open', unit: '×', target: null },
      { figure: 'lateMs', what: 'how late the program was at most', unit: 'ms', target: null },
      { figure: 'heapMb', what: 'heap that it kept of that', unit: 'MiB', target: null },
      { figure: 'drawMs', what: 'drawing the page, median', unit: 'ms', target: null },
      { figure: 'slowDrawMs', what: 'drawing the page, 95 %', unit: 'ms', target: own(50) },
      { figure: 'frameGapMs', what: 'time between two frames of the browser, 95 %', unit: 'ms', target: null },
      { figure: 'pageHeapMb', what: 'heap of the page', unit: 'MiB', target: null },
      { figure: 'answerMs', what: 'the page answers after', unit: 'ms', target: null },
    ],
  },
];

function deltas(subscribers: number, target: Target | null): Scenario {
  const what = `CPU of a delta, ${subscribers} subscriber${subscribers === 1 ? '' : 's'} (deltas-20000)`;
  return {
    number: 5,
    name: `deltas-to-${subscribers}`,
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 2, count: 6 },
    quick: { warmUp: 1, count: 1 },
    rows: [{ figure: 'cpuUs', what, unit: 'µs', target }],
  };
}

/** Warm, because a process that nests at all does it many times: a depth of 1 has 4 model requests, one of 8 has 18. */
function nested(name: string, agents: string, target: Target | null): Scenario {
  return {
    number: 17,
    name,
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 200, count: 100 },
    quick: { warmUp: 1, count: 2 },
    rows: DEPTHS.map((depth) => ({
      figure: `depth${depth}CpuMs`,
      what: `CPU of a run of ${agents}, ${depth} deep, that asks at the root`,
      unit: 'ms',
      target,
    })),
  };
}

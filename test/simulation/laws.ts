import { isTerminal, type SessionEvent } from '../../src/protocol/events.ts';
import type { HistoryChange, HistoryEntry } from '../../src/protocol/history.ts';
import { recordsOf } from '../../src/rollout/memory-log-store.ts';
import { type LogRecord, splitLines } from '../../src/rollout/record.ts';
import type { TraceEntry } from '../../src/testing/trace.ts';
import type { SimulatedWorld } from '../../src/testing/world.ts';

/**
 * What of the laws that hold for every session tree was broken in a world that has come to rest; empty when nothing. A disk that fails
 * when a session closes can only be told of while there is somebody to tell: then what was waited for is in the log.
 */
export function brokenLaws(world: SimulatedWorld, { mayFail = false }: { mayFail?: boolean } = {}): string[] {
  const trace = world.trace();
  const told = eventsOf(trace);
  const sessions = [...Map.groupBy(told, (event) => event.sessionId)];
  return [
    ...world.waiting().map((what) => `the world is not at rest: ${what}`),
    ...sessions.flatMap(([sessionId, events]) => {
      // Of the last line the disk may have had no room for the rest.
      const records = recordsOf(splitLines(world.logStore.bytes(sessionId)).lines);
      const mayEndEarly = mayFail && records.length > (events.findLast(isTerminal)?.seq ?? -1);
      return [
        ...brokenBySession(events),
        ...brokenByTasks(events),
        ...brokenByRequests(events),
        ...brokenByItems(events),
        ...brokenByTime(events),
        ...brokenByThrows(events),
        ...brokenByLog(events, records, isDegraded(events) || mayEndEarly),
        // A log that has failed does not have all of the history.
        ...(isDegraded(events) ? [] : brokenByCalls(historyIn(records))),
      ];
    }),
    ...brokenByDescendants(told),
    ...brokenByDurability(trace),
    ...brokenByProcesses(trace),
  ];
}

export function eventsOf(trace: readonly TraceEntry[]): SessionEvent[] {
  return trace.flatMap((entry) => (entry.type === 'event' ? [entry.event] : []));
}

/** What the model was shown, from a log alone. */
export function historyIn(records: readonly LogRecord[]): readonly HistoryEntry[] {
  const history: HistoryEntry[] = [];
  for (const { payload } of records) {
    const { history: change } = payload as { history?: HistoryChange }; // As the gate wrote it.
    if (change?.op === 'replace') history.length = 0;
    history.push(...(change?.entries ?? []));
  }
  return history;
}

/** Text in which an id is short enough to read. */
function short(id: string | undefined): string {
  return id === undefined ? 'nothing' : id.replace(/[0-9A-Z]{20}/g, '…');
}

function brokenBySession(events: readonly SessionEvent[]): string[] {
  const committed = events.filter(({ seq }) => seq !== null);
  const last = events.at(-1);
  return [
    ...committed.flatMap(({ seq, type }, index) =>
      seq === index ? [] : [`expected number ${index}, got ${seq} (${type})`],
    ),
    ...(events[0]?.type === 'session.opened' ? [] : [`expected session.opened first, got ${events[0]?.type}`]),
    ...(last?.type === 'session.closed' ? [] : [`expected session.closed last, got ${last?.type}`]),
  ];
}

function brokenByTasks(events: readonly SessionEvent[]): string[] {
  const tasks = Map.groupBy(
    events.filter((event) => event.taskId !== undefined),
    (event) => event.taskId,
  );
  return [...tasks].flatMap(([taskId, told]) => {
    const starts = told.filter(({ type }) => type === 'task.started').length;
    const terminals = told.filter(isTerminal).length;
    const after = told.slice(told.findIndex(isTerminal) + 1).map(({ type }) => type);
    return [
      ...(told[0]?.type === 'task.started' ? [] : [`${short(taskId)}: begins with ${told[0]?.type}`]),
      ...(starts === 1 && terminals === 1 ? [] : [`${short(taskId)}: ${starts} starts, ${terminals} terminals`]),
      ...(terminals === 0 || after.length === 0 ? [] : [`${short(taskId)}: told after its terminal: ${after}`]),
    ];
  });
}

/** What is told below a task is told before its terminal. */
function brokenByDescendants(events: readonly SessionEvent[]): string[] {
  const ended = new Set<string>();
  return events.flatMap((event) => {
    const late = event.path.filter(({ taskId }) => taskId !== undefined && ended.has(taskId));
    if (isTerminal(event) && event.taskId !== undefined) ended.add(event.taskId);
    return late.map(({ taskId }) => `${short(taskId)}: below it, ${event.type} after its terminal`);
  });
}

function brokenByRequests(events: readonly SessionEvent[]): string[] {
  const opened = events.flatMap((event) => (event.type === 'request.opened' ? [event.request.id] : []));
  const resolved = events.flatMap((event) => (event.type === 'request.resolved' ? [event.requestId] : []));
  return differences('request', opened, resolved);
}

function brokenByItems(events: readonly SessionEvent[]): string[] {
  const started = events.flatMap((event) => (event.type === 'item.started' ? [event.item.id] : []));
  const completed = events.flatMap((event) => (event.type === 'item.completed' ? [event.item.id] : []));
  return [
    ...differences(
      'item',
      started,
      completed.filter((id) => started.includes(id)),
    ),
    ...(new Set(completed).size === completed.length ? [] : ['an item was completed twice']),
  ];
}

/** An abort takes its grace and its kill bound at most, exactly: time is simulated. However many are aborted, it is one grace. */
function brokenByTime(events: readonly SessionEvent[]): string[] {
  const [opening] = events;
  if (opening?.type !== 'session.opened') return [];
  const { graceMs, killMs } = opening.limits;
  return events.flatMap((event) => {
    if (event.type !== 'task.aborted') return [];
    const spent = (phases: readonly string[]) =>
      event.receipt.phases.reduce((sum, { phase, ms }) => (phases.includes(phase) ? sum + ms : sum), 0);
    const [stopping, all] = [spent(['aborting', 'settling']), spent(['aborting', 'settling', 'killing', 'cleanup'])];
    return stopping <= graceMs && all <= graceMs + killMs
      ? []
      : [`${short(event.taskId)}: had ${stopping} ms to stop, ${all} in all, of ${graceMs} and ${killMs}`];
  });
}

/** The code of the warning with which a work says that it throws now, with nothing left open that would have to end before. */
export const THROWS = 'throws';

/** A work that throws ends its task at once, as failed, unless it was told to stop. */
function brokenByThrows(events: readonly SessionEvent[]): string[] {
  const aborting = new Set<string>();
  return events.flatMap((event, at) => {
    if (event.type === 'task.aborting' && event.taskId !== undefined) aborting.add(event.taskId);
    if (event.type !== 'warning.raised' || event.code !== THROWS || aborting.has(event.taskId ?? '')) return [];
    const next = events.slice(at + 1).find(({ taskId }) => taskId === event.taskId);
    return next?.type === 'task.failed' || (next?.type === 'task.aborting' && next.time === event.time)
      ? []
      : [`${short(event.taskId)}: has thrown, and then ${next?.type}`];
  });
}

/** Each process lives within the life of a task: from its start until its end is told. */
function brokenByProcesses(trace: readonly TraceEntry[]): string[] {
  const tasks = new Map<string, { from: number; to: number }>();
  const processes = new Map<number, { from: number; to: number }>();
  for (const entry of trace) {
    const life = { from: entry.at, to: Number.POSITIVE_INFINITY };
    if (entry.type === 'process.started') processes.set(entry.pid, life);
    if (entry.type === 'process.ended')
      processes.set(entry.pid, { ...(processes.get(entry.pid) ?? life), to: entry.at });
    if (entry.type !== 'event' || entry.event.taskId === undefined) continue;
    const { event, at } = entry;
    const { taskId = '', time } = event;
    if (event.type === 'task.started') tasks.set(taskId, { ...life, from: Date.parse(time) });
    if (isTerminal(event)) tasks.set(taskId, { ...(tasks.get(taskId) ?? life), to: at });
  }
  const lives = [...tasks.values()];
  return [...processes].flatMap(([pid, { from, to }]) =>
    lives.some((task) => task.from <= from && to <= task.to) ? [] : [`the process ${pid} has outlived its task`],
  );
}

/** Every call has exactly one output. */
export function brokenByCalls(history: readonly HistoryEntry[]): string[] {
  const calls = history.flatMap((entry) => (entry.type === 'call' ? [entry.callId] : []));
  const outputs = history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : []));
  return differences('call', calls, outputs);
}

function differences(what: string, begun: readonly string[], ended: readonly string[]): string[] {
  const count = (ids: readonly string[], id: string) => ids.filter((other) => other === id).length;
  return [...new Set([...begun, ...ended])].flatMap((id) => {
    const [begins, ends] = [count(begun, id), count(ended, id)];
    return begins === 1 && ends === 1 ? [] : [`${what} ${id}: begun ${begins} times, ended ${ends} times`];
  });
}

/** What was told is what is in the log, record for record; in a log that has failed, as far as it goes. */
function brokenByLog(events: readonly SessionEvent[], records: readonly LogRecord[], hasFailed: boolean): string[] {
  const committed = events.filter(({ seq }) => seq !== null);
  const told = committed.slice(0, hasFailed ? records.length : committed.length).map(recordText);
  const logged = records.map(({ seq, epoch, time, payload }) => {
    const { history: _history, ...body } = payload as Record<string, unknown>; // A payload is an object.
    return JSON.stringify({ seq, epoch, time, ...body });
  });
  return Array.from({ length: Math.max(told.length, logged.length) }, (_, index) => [told[index], logged[index]])
    .filter(([one, other]) => one !== other)
    .map(([one, other]) => `told: ${one}; logged: ${other}`);
}

function isDegraded(events: readonly SessionEvent[]): boolean {
  return events.some(({ type }) => type === 'session.degraded');
}

function recordText(event: SessionEvent): string {
  const { seq, epoch, time, sessionId: _sessionId, path: _path, taskId, ...body } = event;
  const { durable: _durable, ...rest } = body as { durable?: false }; // Added when it is shown, after it was written.
  return JSON.stringify({ seq, epoch, time, ...(taskId === undefined ? {} : { taskId }), ...rest });
}

/** A terminal is shown when its record is on the disk; else it says that it is not, and the session is degraded. */
function brokenByDurability(trace: readonly TraceEntry[]): string[] {
  const synced = new Map<string, number>();
  const degraded = new Set(
    eventsOf(trace).flatMap(({ type, sessionId }) => (type === 'session.degraded' ? [sessionId] : [])),
  );
  return trace.flatMap((entry) => {
    if (entry.type === 'log.synced') synced.set(entry.sessionId, entry.upTo);
    if (entry.type !== 'event' || !isTerminal(entry.event)) return [];
    const { event } = entry;
    const isSafe = (synced.get(event.sessionId) ?? -1) >= (event.seq ?? 0);
    const saysSo = !('durable' in event);
    if (saysSo && !isSafe) return [`${short(event.taskId)}: its terminal was shown before it was on the disk`];
    return saysSo || degraded.has(event.sessionId) ? [] : [`${short(event.taskId)}: not durable, and nobody was told`];
  });
}

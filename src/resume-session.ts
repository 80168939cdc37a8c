import { openSession, type SessionOf } from './create-session.ts';
import { defaultHome } from './here/default-home.ts';
import { fileLogStore } from './here/file-log-store.ts';
import { messageOf, TroupeError } from './protocol/errors.ts';
import { isTerminal } from './protocol/events.ts';
import { isoTime } from './protocol/iso-time.ts';
import { addUsage, type Usage } from './protocol/usage.ts';
import { type Closing, closingOf } from './rollout/closing.ts';
import type { LogFile, LogStore } from './rollout/log-store.ts';
import { encodeRecord } from './rollout/record.ts';
import { newRecovery, type Recovery, recover, UnknownVersion } from './rollout/recover.ts';
import { emptyState, type ReplayedState, replay } from './rollout/replay.ts';
import type { Clock } from './runtime/clock.ts';
import { systemClock } from './runtime/clock.ts';
import { systemIds } from './runtime/ids.ts';
import type { Book } from './session/book.ts';
import { commit } from './session/commit.ts';
import { flushed, safe } from './session/gate.ts';
import { keepUnheard } from './session/unheard.ts';
import { checkOptions, type SessionOptions } from './session-options.ts';
import type { TaskDefinitions } from './tasks/define-task.ts';

/** Where a fork begins: before the n-th message of the user (from 0), after an item, or, when neither is given, at the end. */
export type ForkPoint = Readonly<{ before?: number; at?: string }>;

/**
 * Opens a session again from its log: its history, items, usage and what was said and not taken come back, and what was open is
 * closed, once. Nothing runs, nobody is asked, and no grant is restored. Models and tools are given again; what is left out of
 * `cwd`, `sandbox`, `approvalPolicy` and `instructions` is as it was. Rejects with `TroupeError`: there is no such log, it is of
 * a newer release, or another process has it open (`busy`).
 */
export async function resumeSession<T extends TaskDefinitions = Record<never, never>>(
  sessionId: string,
  options: SessionOptions<T>,
): Promise<SessionOf<T>> {
  checkOptions(options);
  if (options.rollout === 'off')
    throw new TroupeError(
      'invalid-config',
      "Expected rollout to be 'durable' or 'fast' for a session that goes on in its log, got 'off'. Fork it to leave the log alone.",
    );
  const store = storeOf(options);
  const found = await reopen(store, sessionId);
  const { state, recovery, file } = found;
  try {
    if (state.path !== null && state.path.length > 1) {
      const root = state.path[0]?.sessionId;
      throw new TroupeError(
        'rejected',
        `The session ${sessionId} is a sub-session of ${root}. Resume that one, or fork this one.`,
      );
    }
    const nextId = () => (options.world?.ids ?? systemIds()).next();
    const unclosed = await closeChildren(store, state, options, nextId);
    const damage = [...damageWords(recovery), ...unclosed.map(({ why }) => why), ...modelWords(state, options)];
    const { session, book } = openSession(withDefaults(options, state), {
      sessionId,
      ...(state.path === null ? {} : { path: state.path }),
      resumed: { state, damage, unclosed: unclosed.map(({ id }) => id) },
      open: async () => file,
      history: state.history,
      inputs: [...state.inputs].map(([inputId, { input }]) => ({ inputId, input })),
    });
    const kept = keepUnheard(book);
    const closings = closingOf(state, nextId);
    for (const closing of closings) commitClosing(book, closing);
    if (closings.length > 0) await safe(book);
    await flushed(book);
    kept();
    return session;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a new session that begins with a copy of another one's history; from then on they share nothing. The other one is only
 * read, and may be running. A task that is cut in the middle is marked as interrupted.
 */
export async function forkSession<T extends TaskDefinitions = Record<never, never>>(
  sessionId: string,
  point: ForkPoint,
  options: SessionOptions<T>,
): Promise<SessionOf<T>> {
  const pieces = await storeOf(options).pieces(sessionId);
  if (pieces === null) throw missing(sessionId);
  const state = await stateAt(pieces, sessionId, point);
  const nextId = () => (options.world?.ids ?? systemIds()).next();
  for (const { body, append = [] } of closingOf(state, nextId, 'interrupted')) {
    if (body.type === 'item.completed') state.items.push(body.item);
    state.history.push(...append);
  }
  const { session, book } = openSession(withDefaults(options, state), {
    forkedFrom: { sessionId, seq: state.nextSeq - 1 },
  });
  const kept = keepUnheard(book);
  book.items.push(...state.items);
  const entries = state.history;
  commit(book, { type: 'session.forked', items: state.items }, { sync: true, history: { op: 'replace', entries } });
  await safe(book);
  kept();
  return session;
}

function storeOf({ world, home }: Pick<SessionOptions<TaskDefinitions>, 'world' | 'home'>): LogStore {
  return world?.logStore ?? fileLogStore(home ?? defaultHome());
}

type Found = { state: ReplayedState; recovery: Recovery; file: LogFile };

/** Takes a log for writing, and reads it. */
async function reopen(store: LogStore, sessionId: string): Promise<Found> {
  const state = emptyState();
  const recovery = newRecovery();
  if ((await store.pieces(sessionId)) === null) throw missing(sessionId);
  const file = await store.reopen(sessionId, async (pieces) => {
    await readInto(state, pieces, recovery, sessionId);
    return recovery.wholeBytes;
  });
  return { state, recovery, file };
}

async function readInto(
  state: ReplayedState,
  pieces: AsyncIterable<Uint8Array>,
  recovery: Recovery,
  sessionId: string,
): Promise<void> {
  try {
    for await (const record of recover(pieces, recovery)) replay(state, record);
  } catch (error) {
    if (!(error instanceof UnknownVersion)) throw error;
    throw new TroupeError(
      'rejected',
      `The log of session ${sessionId} cannot be read here: ${error.message} It was not touched.`,
    );
  }
  if (recovery.records > 0) return;
  throw new TroupeError(
    'rejected',
    `The log of session ${sessionId} holds no record that could be read. It was not touched.`,
  );
}

/** The state at a point of a log. */
async function stateAt(pieces: AsyncIterable<Uint8Array>, sessionId: string, point: ForkPoint): Promise<ReplayedState> {
  const state = emptyState();
  const recovery = newRecovery();
  let messages = 0;
  let isBeyond = false;
  try {
    for await (const record of recover(pieces, recovery)) {
      if (isBeyond && !BELONGS.has(record.type)) return state;
      const item = itemIn(record.payload);
      if (item?.type === 'user_message') {
        if (messages === point.before) return state;
        messages += 1;
      }
      replay(state, record);
      isBeyond ||= item !== null && item.id === point.at;
    }
  } catch (error) {
    if (error instanceof UnknownVersion)
      throw new TroupeError('rejected', `The log of session ${sessionId} cannot be read here: ${error.message}`);
    throw error;
  }
  if (recovery.records === 0)
    throw new TroupeError('rejected', `The log of session ${sessionId} holds no record that could be read.`);
  if (point.at !== undefined && !isBeyond)
    throw new TroupeError(
      'invalid-input',
      `Expected an item of session ${sessionId} that is complete, got ${JSON.stringify(point.at)}.`,
    );
  return state;
}

/** What comes after an item and belongs to what it ended: the entries of a step, the end of a task. */
const BELONGS = new Set([
  'step.completed',
  'usage.updated',
  'warning.raised',
  'task.completed',
  'task.failed',
  'task.aborted',
]);

function itemIn(payload: unknown): { id: string; type: string } | null {
  const { type, item } = { ...(payload as object | null) } as { type?: string; item?: { id: string; type: string } }; // What a record may hold.
  return type === 'item.completed' && item !== undefined ? item : null;
}

function withDefaults<T extends TaskDefinitions>(
  options: SessionOptions<T>,
  { context, instructions }: ReplayedState,
): SessionOptions<T> {
  return {
    ...(context === null ? {} : { cwd: context.cwd, sandbox: context.sandbox, approvalPolicy: context.approvalPolicy }),
    ...(instructions === null ? {} : { instructions }),
    ...options,
  };
}

function commitClosing(book: Book, { body, taskId, append }: Closing): void {
  commit(book, body, {
    sync: true,
    // The end of a task is told when it is safe, as everywhere; else it says that it is not.
    ...(isTerminal(body) ? { hold: { after: [], released() {} } } : {}),
    ...(taskId === undefined ? {} : { taskId }),
    ...(append === undefined ? {} : { history: { op: 'append', entries: append } }),
  });
}

/** A sub-session whose log could not be closed, and why, in words. */
type Unclosed = Readonly<{ id: string; why: string }>;

/** Closes the logs of sub-sessions that ran when the program ended, and counts what they have used; gives those that could not be. */
async function closeChildren<T extends TaskDefinitions>(
  store: LogStore,
  state: ReplayedState,
  options: SessionOptions<T>,
  nextId: () => string,
): Promise<readonly Unclosed[]> {
  const unclosed: Unclosed[] = [];
  const clock = options.world?.clock ?? systemClock;
  for (const [sessionId, taskId] of [...state.children, ...[...state.ending.keys()].map((id) => [id, null] as const)]) {
    try {
      const child = await reopen(store, sessionId);
      try {
        unclosed.push(...(await closeChildren(store, child.state, options, nextId)));
        count(state, taskId, child.state.usage);
        await closeLog(child, clock, nextId);
      } finally {
        await child.file.close();
      }
    } catch (error) {
      const why = `The log of the sub-session ${sessionId} could not be closed: ${messageOf(error)}`;
      unclosed.push({ id: sessionId, why });
    }
  }
  return unclosed;
}

/** What a sub-session has used is in its own log until the task that opened it ends. */
function count(state: ReplayedState, taskId: string | null, usage: Usage): void {
  const task = taskId === null ? undefined : state.tasks.get(taskId);
  if (task === undefined) return;
  task.usage = addUsage(task.usage, usage);
  state.usage = addUsage(state.usage, usage);
}

async function closeLog({ state, file }: Found, clock: Clock, nextId: () => string): Promise<void> {
  if (state.isClosed) return;
  const closings: readonly Closing[] = [...closingOf(state, nextId), { body: { type: 'session.closed' } }];
  const time = isoTime(clock.now());
  for (const [at, { body, taskId, append }] of closings.entries()) {
    const history = append === undefined ? {} : { history: { op: 'append', entries: append } };
    const payload = { ...(taskId === undefined ? {} : { taskId }), ...body, ...history };
    await file.append(encodeRecord({ seq: state.nextSeq + at, epoch: state.epoch, time, type: body.type, payload }));
  }
  await file.sync();
}

function damageWords({ damage, moreDamage }: Recovery): readonly string[] {
  const words = damage.map(({ line, message }) => `Line ${line} of the log: ${message}`);
  return moreDamage === 0 ? words : [...words, `${moreDamage} more lines of the log were damaged.`];
}

/** One sentence or two where the model is another one: what its provider cannot take back goes to it in plain form. */
function modelWords<T extends TaskDefinitions>(
  { context, history }: ReplayedState,
  { model }: SessionOptions<T>,
): readonly string[] {
  const senders = new Set(history.flatMap((entry) => ('raw' in entry && entry.raw ? [entry.raw.provider] : [])));
  senders.delete(model.provider);
  const words = [
    ...(context === null || context.model === model.name
      ? []
      : [`The session goes on with the model ${model.name}; it was with ${context.model}.`]),
    ...(senders.size === 0
      ? []
      : [`What ${[...senders].join(' and ')} sent is shown to ${model.provider} in plain form.`]),
  ];
  return words.length === 0 ? [] : [words.join(' ')];
}

function missing(sessionId: string): TroupeError {
  return new TroupeError(
    'rejected',
    `Expected a session, got ${JSON.stringify(sessionId)}, of which there is no log. See "troupe sessions list".`,
  );
}

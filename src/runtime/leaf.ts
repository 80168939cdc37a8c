import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import { messageOf, type TaskError, TroupeError } from '../protocol/errors.ts';
import { type LeafEnd, NOTHING_TO_REPORT, type SettleReport, type WorkCommand } from '../protocol/messages.ts';
import type { Timer } from './clock.ts';
import { clockOf } from './system-clock.ts';

/** How long a killed leaf may take to return, in ms. */
export const RETURN_MS = 50;
/** The same for one that has to read the last words of what it owned, once that is dead. */
export const RETURN_AFTER_KILL_MS = 200;

/** Something that a leaf started and that dies with it. */
export interface Owned {
  kill(graceMs: number): Promise<Killed>;
}

type Killed = Readonly<{ killed: number; survivors: number }>;

/** What a leaf's function may use. `revoked` turns true before its end is told: nothing it does later may have effect. */
export interface LeafScope<Input> {
  readonly input: Input;
  readonly self: AnyActorRef;
  readonly system: AnyActorRef['system'];
  readonly signal: AbortSignal;
  readonly revoked: boolean;
  /** Has it killed when the leaf is. Gives back how to let go of it. */
  own(owned: Owned): () => void;
  /** Adds to what the leaf reports of processes. */
  reportKilled(report: Killed): void;
}

type Ended<V> = { type: 'leaf.ended'; end: LeafEnd<V> };
type LeafSnapshot<V, Input> = Snapshot<LeafEnd<V>> & { input: Input };

/** Actor logic over a promise that can be cancelled, and told to die, before it is stopped. */
export type LeafLogic<V, Input> = ActorLogic<
  LeafSnapshot<V, Input>,
  WorkCommand | Ended<V>,
  Input,
  AnyActorRef['system'],
  EventObject
>;

type Live = {
  controller: AbortController;
  owned: Set<Owned>;
  report: SettleReport;
  revoked: boolean;
  ended: (() => void) | null;
};

const lives = new WeakMap<AnyActorRef, Live>();

/**
 * Makes a leaf of `run`. `work.cancel` aborts its signal; `work.kill` also kills what it owns, waits a moment, and ends
 * without it. It always ends with a `LeafEnd`, never as an error.
 */
export function leaf<V, Input>(run: (scope: LeafScope<Input>) => Promise<V>): LeafLogic<V, Input> {
  return {
    getInitialSnapshot: (_scope, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => snapshot as LeafSnapshot<V, Input>, // It was persisted by the function above.
    transition(snapshot, event, { self, system }) {
      if (snapshot.status !== 'active') return snapshot;
      if (event.type === 'leaf.ended')
        return { ...snapshot, status: 'done', output: event.end } as LeafSnapshot<V, Input>; // Status decides which member of the union it is.
      if (event.type === 'work.cancel') lives.get(self)?.controller.abort();
      if (event.type === 'work.kill') kill(self, system, event.deadline);
      if (isStop(event)) giveUp(self);
      return snapshot;
    },
    start(snapshot, { self, system }) {
      if (snapshot.status !== 'active') return;
      const live: Live = {
        controller: new AbortController(),
        owned: new Set(),
        report: NOTHING_TO_REPORT,
        revoked: false,
        ended: null,
      };
      lives.set(self, live);
      begin(run, snapshot.input, self, system, live);
    },
  };
}

function begin<V, Input>(
  run: (scope: LeafScope<Input>) => Promise<V>,
  input: Input,
  self: AnyActorRef,
  system: AnyActorRef['system'],
  live: Live,
): void {
  const scope: LeafScope<Input> = {
    input,
    self,
    system,
    signal: live.controller.signal,
    get revoked() {
      return live.revoked;
    },
    own(owned) {
      live.owned.add(owned);
      return () => live.owned.delete(owned);
    },
    reportKilled: (report) => reportKilled(live, report),
  };
  const finish = (value: V | null, error: TaskError | null) => end(self, system, live, value, error);
  try {
    run(scope).then(
      (value) => finish(value, null),
      (error: unknown) => finish(null, errorOf(error)),
    );
  } catch (error) {
    queueMicrotask(() => finish(null, errorOf(error)));
  }
}

function end<V>(
  self: AnyActorRef,
  system: AnyActorRef['system'],
  live: Live,
  value: V | null,
  error: TaskError | null,
): void {
  if (live.revoked || self.getSnapshot().status !== 'active') return;
  live.revoked = true;
  live.ended?.();
  const cancelled = live.controller.signal.aborted;
  const message: Ended<V> = {
    type: 'leaf.ended',
    end: { at: clockOf(system).now(), value, error, cancelled, report: live.report },
  };
  self.send(message);
}

function kill(self: AnyActorRef, system: AnyActorRef['system'], deadline: number | undefined): void {
  const live = lives.get(self);
  if (live === undefined || live.ended !== null) return;
  live.controller.abort();
  const clock = clockOf(system);
  const timers: Timer[] = [];
  let killed: readonly Killed[] = [];
  const abandon = () => {
    if (live.revoked || self.getSnapshot().status !== 'active') return;
    for (const report of killed) reportKilled(live, report);
    live.report = { ...live.report, unsettled: live.report.unsettled + 1 };
    end(self, system, live, null, KILLED);
  };
  live.ended = () => {
    for (const timer of timers) clock.clearTimeout(timer);
  };
  const owned = [...live.owned];
  const dead = (reports: readonly Killed[]) => {
    killed = reports;
    if (!live.revoked) timers.push(clock.setTimeout(abandon, owned.length === 0 ? RETURN_MS : RETURN_AFTER_KILL_MS));
  };
  if (deadline !== undefined) timers.push(clock.setTimeout(abandon, Math.max(0, deadline - clock.now())));
  Promise.all(owned.map((one) => one.kill(0))).then(dead, abandon);
}

function reportKilled(live: Live, { killed, survivors }: Killed): void {
  const { report } = live;
  live.report = { ...report, killed: report.killed + killed, survivors: report.survivors + survivors };
}

/** XState tells an actor so that it is being stopped from above; it does not list the event in its types. */
function isStop(event: { type: string }): boolean {
  return event.type === 'xstate.stop';
}

function giveUp(self: AnyActorRef): void {
  const live = lives.get(self);
  if (live === undefined) return;
  live.revoked = true;
  live.ended?.();
  live.controller.abort();
  // Nobody is left to be told of a kill that failed.
  for (const owned of live.owned) owned.kill(0).catch(() => {});
}

const KILLED: TaskError = {
  code: 'internal',
  message: 'The work did not stop when it was told to, and was given up. What it does from now on has no effect.',
  retryable: false,
};

function errorOf(error: unknown): TaskError {
  const code = error instanceof TroupeError ? error.code : 'internal';
  return { code, message: messageOf(error), retryable: false };
}

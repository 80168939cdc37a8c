import { type AnyActorRef, createActor, type EventObject, type SnapshotFrom } from 'xstate';
import type { Turns } from '../../machines/own-requests.ts';
import { sessionMachine } from '../../machines/session.machine.ts';
import { endIn, orderIn } from '../../machines/session-setup.ts';
import {
  type KeptInput,
  NOTHING_TO_REPORT,
  type StartOrder,
  type TaskCommand,
  type TaskEnd,
  type TaskInput,
} from '../../src/protocol/messages.ts';
import type { Path } from '../../src/protocol/path.ts';
import { decisionWord, type Resolution, type SessionRequest } from '../../src/protocol/requests.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { audience, resumed, type Stored, sharedPuppets, timerLogic } from './puppet.ts';

/** When the clock begins, in ms since 1970. */
export const START = 1_000;
export const GRACE_MS = 100;
export const ROOT: Path = [{ sessionId: 's1', kind: 'root' }];
export const BELOW: Path = [
  { sessionId: 's0', kind: 'root' },
  { sessionId: 's1', kind: 'job' },
];

export const APPROVED: Resolution = { how: 'answered', decision: 'approved', by: 'client' };

export function orderOf(taskId: string, more: Partial<StartOrder> = {}): StartOrder {
  return {
    taskId,
    kind: 'job',
    input: `Do ${taskId}.`,
    context: { model: 'm', cwd: '/', sandbox: 'read-only', approvalPolicy: 'never' },
    whenBusy: 'queue',
    placement: 'foreground',
    steerable: false,
    ...more,
  };
}

export function keptOf(inputId: string): KeptInput {
  return { inputId, input: `Say ${inputId}.`, order: orderOf(`said-${inputId}`) };
}

/** A request of the session itself (`s1`) or of one below; `expiresMs` counts from when the clock begins. */
export function requestOf(
  id: string,
  { sessionId = 's1', expiresMs }: { sessionId?: string; expiresMs?: number } = {},
) {
  const request: SessionRequest = {
    seq: 0,
    epoch: 0,
    time: new Date(START).toISOString(),
    sessionId,
    path: ROOT,
    id,
    boundTo: 'hash',
    ...(expiresMs === undefined ? {} : { expiresAt: new Date(START + expiresMs).toISOString() }),
    subject: { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] },
  };
  return request;
}

function wordOf(resolution: Resolution): string {
  return resolution.how === 'answered'
    ? `answered ${decisionWord(resolution.decision)} by ${resolution.by}`
    : resolution.how;
}

type StageOptions = { path?: Path; store?: Stored; turns?: Partial<Turns> };

const tasksIn = sharedPuppets<TaskInput, TaskCommand, TaskEnd>();
const waitersIn = sharedPuppets<undefined, EventObject, undefined>();
/** What the session of a system has announced, answered and dropped. */
const toldIn = new WeakMap<AnyActorRef['system'], string[]>();
const say = ({ system }: { system: AnyActorRef['system'] }, words: string) => void toldIn.get(system)?.push(words);

const machine = sessionMachine.provide({
  actors: { job: tasksIn.logic, timer: timerLogic, turn: waitersIn.logic } as object, // Kinds are provided by name.
  actions: {
    announceOpened: (scope) => say(scope, 'opened'),
    announceClosed: (scope) => say(scope, 'closed'),
    announceStart: (scope) => say(scope, `start ${orderIn(scope).taskId}`),
    announceInput(scope) {
      const { event } = scope;
      say(scope, `input ${event.type === 'op.steer' ? event.kept.inputId : '?'}`);
    },
    announceAborting: (scope, { taskIds, reason }) => {
      for (const taskId of taskIds) say(scope, `aborting ${taskId} ${reason}`);
    },
    announceEnd(scope) {
      const { taskId, end } = endIn(scope);
      say(scope, `end ${taskId} ${end}`);
    },
    answerOrder(scope, answer) {
      const because = answer.disposition === 'rejected' ? ` ${answer.reason}` : '';
      say(scope, `answer ${orderIn(scope).taskId} ${answer.disposition}${because}`);
    },
    answerInput: (scope) => say(scope, `keep ${orderIn(scope).taskId}`),
    dropOrders: (scope, { orders, reason }) => {
      for (const { taskId } of orders) say(scope, `drop ${taskId} ${reason}`);
    },
    settleRequest: (scope) => say(scope, `settle ${requestIn(scope.event)}`),
    passDecision: (scope) => say(scope, `decide ${requestIn(scope.event)}`),
    announceAsked(scope, { requestId, unshown }) {
      const as = unshown?.why === 'same' ? ` ${unshown.as}` : '';
      say(scope, `asked ${requestId}${unshown === null ? '' : ` ${unshown.why}`}${as}`);
    },
    announceDue(scope, { due }) {
      for (const { requestId, count } of due) say(scope, `shown ${requestId} for ${count}`);
    },
    announceCount: (scope, { requestId, count }) => say(scope, `count ${requestId} ${count}`),
    endRequests(scope, { ends }) {
      for (const { requestId, resolution } of ends) say(scope, `end ${requestId} ${wordOf(resolution)}`);
    },
    passDenial(scope, denial) {
      if (denial !== null) say(scope, `pass denial to ${denial.taskId ?? 'all'}`);
    },
    expireDue(scope) {
      const { context, event, self } = scope;
      const at = 'at' in event ? event.at : 0;
      for (const { id, sessionId, expiresAt } of context.requests) {
        if (sessionId !== context.sessionId || expiresAt === undefined || Date.parse(expiresAt) > at) continue;
        say(scope, `expire ${id} at ${at}`);
        self.send({ type: 'request.settled', requestId: id, resolution: { how: 'expired' }, at });
      }
    },
  },
});

function requestIn(event: object): string {
  return 'requestId' in event ? String(event.requestId) : '?';
}

/** A session whose tasks the test plays. `told` is what it has announced, answered and dropped, in order. */
export function stageSession({ path = ROOT, store, turns }: StageOptions = {}) {
  const clock = createSteppedClock(store?.at ?? START);
  const above = audience(clock);
  const { system } = above.ref;
  const tasks = tasksIn.of(system);
  const waiters = waitersIn.of(system);
  const told: string[] = [];
  toldIn.set(system, told);
  // As in a real tree: the root's own requests are not limited.
  const input = { sessionId: 's1', path, graceMs: GRACE_MS, killMs: 500, ...(path.length > 1 ? turns : {}) };
  const actor = createActor(machine, {
    id: 'session',
    parent: above.ref,
    input,
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();

  const task = (taskId: string) => {
    const found = tasks.all.findLast(({ input }) => input.taskId === taskId);
    if (found === undefined) throw new Error(`Expected a task "${taskId}" that was started, got none.`);
    return found;
  };
  const times = () => ({ at: clock.now(), deadline: clock.now() + GRACE_MS });
  return {
    actor,
    clock,
    tasks,
    task,
    told,
    above: above.heard,
    context: () => actor.getSnapshot().context,
    activity: () => actor.getSnapshot().value.activity,
    attention: () => actor.getSnapshot().value.attention,
    start: (taskId: string, more: Partial<StartOrder> = {}) =>
      actor.send({ type: 'op.start', order: orderOf(taskId, more), at: clock.now() }),
    steer: (inputId: string) => actor.send({ type: 'op.steer', kept: keptOf(inputId), at: clock.now() }),
    interrupt: () => actor.send({ type: 'op.interrupt', reason: 'interrupted', ...times() }),
    abort: (taskId: string) => actor.send({ type: 'op.abort', taskId, reason: 'timeout', ...times() }),
    close: () => actor.send({ type: 'op.close', ...times() }),
    /** The task has come to its end; its terminal is not yet released. */
    complete: (taskId: string) =>
      task(taskId).finish({ taskId, kind: 'job', at: clock.now(), end: 'completed', answer: null, data: null }),
    aborted(taskId: string) {
      const found = { report: NOTHING_TO_REPORT, phases: [], forced: false };
      task(taskId).finish({ taskId, kind: 'job', at: clock.now(), end: 'aborted', reason: 'interrupted', ...found });
    },
    /** A start that has to wait for its turn. */
    crowd: (taskId: string, more: Partial<StartOrder> = {}) =>
      actor.send({ type: 'op.start', order: orderOf(taskId, more), at: clock.now(), crowded: true }),
    /** It is the turn of whoever waits for one, if anybody does. */
    grant: () => waiters.all.find(({ isStopped }) => !isStopped)?.say({ type: 'turn.granted', at: clock.now() }),
    /** How many wait for their turn. */
    waiting: () => waiters.all.filter(({ isStopped }) => !isStopped).length,
    release: (taskId: string) => actor.send({ type: 'terminal.released', taskId, at: clock.now() }),
  };
}

/** A session in the state, with `a` as its foreground task. */
export function stageIn(state: 'busy' | 'replacing' | 'settling' | 'admitting') {
  const staged = stageSession();
  if (state === 'admitting') staged.crowd('a');
  else staged.start('a');
  if (state === 'replacing') staged.start('b', { whenBusy: 'replace' });
  if (state === 'settling') staged.complete('a');
  if (staged.activity() !== state) throw new Error(`Expected a session in ${state}, got one in ${staged.activity()}.`);
  return staged;
}

import { type AnyActorLogic, fromCallback, fromPromise, StateMachine, sendTo } from 'xstate';
import { definedWork } from '../../machines/defined-work.machine.ts';
import { delegate, type RelayInput, type RelayLogic, type SessionLogic } from '../../machines/delegate.machine.ts';
import { type CleanupLogic, lifecycle, type WorkLogic } from '../../machines/lifecycle.ts';
import type { TimerLogic, TurnLogic } from '../../machines/logic.ts';
import { sessionMachine } from '../../machines/session.machine.ts';
import { endIn, orderIn } from '../../machines/session-setup.ts';
import type { BodyLogic, BodyValue, StagedChart, StageInput } from '../../machines/staged-work.ts';
import { relay } from '../channel/relay.ts';
import { messageOf } from '../protocol/errors.ts';
import { msOf } from '../protocol/iso-time.ts';
import type { TaskInput } from '../protocol/messages.ts';
import { pathText } from '../protocol/path.ts';
import { NO_USAGE } from '../protocol/usage.ts';
import { admissionOf, turn } from '../runtime/admission.ts';
import { lazyLogic } from '../runtime/lazy-logic.ts';
import { leaf } from '../runtime/leaf.ts';
import { quickStart } from '../runtime/quick-start.ts';
import { clockOf } from '../runtime/system-clock.ts';
import { timer } from '../runtime/timer.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import { isStaged, stageNames } from '../tasks/in-stages.ts';
import { portsOf } from '../tasks/ports.ts';
import { inputCame } from './agents.ts';
import {
  announceAsked,
  announceClosed,
  announceCount,
  announceDue,
  endRequests,
  offer,
  passDenial,
  settle,
} from './asking.ts';
import { createCallLedger } from './call-ledger.ts';
import { commit } from './commit.ts';
import { closeBook, conclude, dropOrder } from './conclude.ts';
import { deliver, refuse } from './delegating.ts';
import { passFromBelow } from './gate.ts';
import { tell } from './telling.ts';
import { bookOf, kindOf } from './world.ts';

/** The logic of a session whose tasks are of these kinds. Made once for each set of kinds: providing is what costs. */
export function sessionLogicFor(kinds: ReadonlyMap<string, TaskDefinition>): AnyActorLogic {
  const known = made.get(kinds);
  if (known !== undefined) return known;
  const inStages = (chart: StagedChart) =>
    chart.provide({
      actors: {
        body: bodyLeaf as unknown as BodyLogic, // XState wants the snapshot types to be equal, not assignable.
        delegate: delegate.provide({
          actors: {
            session: lazyLogic(() => logic) as SessionLogic, // Likewise.
            relay: relayLogic as unknown as RelayLogic, // Likewise.
          },
        }),
      },
      actions: {
        deliverDelegate: ({ context, system }, { event }) =>
          deliver(bookOf({ system }, context.task.sessionId), event.output),
        refuseDelegate: ({ context, system }, { input }) =>
          refuse(bookOf({ system }, context.task.sessionId), input.session.sessionId),
      },
    });
  const body = inStages(definedWork);
  const workOf = ({ work, uses }: TaskDefinition): AnyActorLogic => {
    if (typeof work === 'function') return body;
    if (isStaged(work)) return inStages(work.chart);
    return uses === undefined || !(work instanceof StateMachine) ? work : work.provide({ actors: worksOf(uses) });
  };
  const worksOf = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(names).flatMap(([name, kind]) => {
        const definition = kinds.get(kind);
        return definition === undefined ? [] : [[name, workOf(definition)]];
      }),
    );
  const tasks: Record<string, AnyActorLogic> = {};
  for (const [kind, definition] of kinds) {
    tasks[kind] = lifecycle({ id: kind, description: definition.description ?? '' }).provide({
      actors: {
        work: workOf(definition) as unknown as WorkLogic, // Likewise.
        cleanup: cleanupLogic as unknown as CleanupLogic, // Likewise.
        timer: timer as unknown as TimerLogic, // Likewise.
      },
    });
  }
  const logic: AnyActorLogic = quickStart(session.provide({ actors: tasks as object }));
  made.set(kinds, logic);
  return logic;
}

const made = new WeakMap<object, AnyActorLogic>();

const session = sessionMachine.provide({
  actors: {
    timer: timer as unknown as TimerLogic, // XState wants the snapshot types to be equal, not assignable.
    turn: turn as unknown as TurnLogic, // Likewise.
  },
  actions: {
    announceOpened({ context, self, system }) {
      const book = bookOf({ system }, context.sessionId);
      book.actor = self;
      if (book.epoch > 0) return;
      const { limits, instructions, context: settings } = book.settings;
      const { path, forkedFrom } = book;
      const kind = path.at(-1)?.kind ?? 'root';
      const origin = forkedFrom === null ? {} : { forkedFrom };
      commit(
        book,
        { type: 'session.opened', kind, limits, instructions, context: settings, sessionPath: path, ...origin },
        { sync: true },
      );
    },
    announceClosed: ({ context, system }) => closeBook(bookOf({ system }, context.sessionId)),
    announceStart({ context, event, system }) {
      const book = bookOf({ system }, context.sessionId);
      const order = orderIn({ context, event });
      const { taskId, kind, input, context: frozen } = order;
      book.tasks.set(taskId, {
        order,
        items: [],
        open: new Map(),
        calls: createCallLedger(
          (item, output) =>
            commit(book, { type: 'item.completed', item }, { taskId, history: { op: 'append', entries: [output] } }),
          book.world.ids.next,
        ),
        children: [],
        withdrawn: [],
        startedAtMs: book.world.clock.now(),
        done: new Set(),
        usage: NO_USAGE,
        revoked: false,
      });
      if (order.placement === 'foreground')
        book.beginnings.push({ taskId, entries: book.history.length, isSaid: order.steerable });
      admissionOf(book.world.clock).begun();
      const place = {
        ...(order.placement === 'beside' ? { placement: order.placement } : {}),
        ...(order.steerable ? { isSaid: true as const } : {}),
      };
      commit(book, { type: 'task.started', kind, input, context: frozen, ...place }, { taskId, sync: true });
    },
    announceInput({ context, event, system }) {
      if (event.type !== 'op.steer') return;
      const { inputId, input, order } = event.kept;
      const book = bookOf({ system }, context.sessionId);
      commit(book, { type: 'input.queued', inputId, input, becomes: order.taskId }, { sync: true });
      inputCame(book, inputId);
    },
    announceAborting({ context, system }, { taskIds, reason }) {
      const book = bookOf({ system }, context.sessionId);
      for (const taskId of taskIds) {
        const record = book.tasks.get(taskId);
        if (record === undefined || record.done.has('abort')) continue;
        record.done.add('abort');
        commit(book, { type: 'task.aborting', reason }, { taskId });
      }
    },
    announceEnd({ context, event, system }) {
      conclude(
        bookOf({ system }, context.sessionId),
        endIn({ context, event }),
        context.inputs.length + context.queue.length,
      );
    },
    answerOrder({ context, event, system }, answer) {
      const { taskId } = orderIn({ context, event });
      const disposition = answer.disposition === 'rejected' ? answer : { ...answer, taskId };
      bookOf({ system }, context.sessionId).world.listeners.get(taskId)?.disposed(disposition);
    },
    answerInput({ context, event, system }) {
      const { taskId } = orderIn({ context, event });
      const { foreground } = context;
      const disposition =
        foreground?.steerable === true
          ? ({ disposition: 'steered', taskId: foreground.taskId } as const)
          : ({ disposition: 'queued', taskId } as const);
      bookOf({ system }, context.sessionId).world.listeners.get(taskId)?.disposed(disposition);
    },
    dropOrders({ context, system }, { orders, reason }) {
      for (const order of orders) dropOrder(bookOf({ system }, context.sessionId), order, reason);
    },
    settleRequest({ context, event, system }) {
      if (event.type === 'request.settled')
        settle(bookOf({ system }, context.sessionId), event.requestId, event.resolution);
    },
    passDecision: sendTo(
      ({ context, event, system, self }) => {
        const owner = context.requests.find(({ id }) => 'requestId' in event && id === event.requestId)?.sessionId;
        const actor = bookOf({ system }, context.sessionId).world.books.get(owner ?? '')?.actor;
        // An owner that has closed has withdrawn its request; that is on its way up.
        return actor?.getSnapshot().status === 'active' ? actor : self;
      },
      ({ context, event, system }) => {
        if (event.type !== 'op.answer') throw new Error(`Expected an answer, got "${event.type}".`);
        const { requestId, decision, by } = event;
        const at = bookOf({ system }, context.sessionId).world.clock.now();
        return { type: 'request.settled', requestId, resolution: { how: 'answered', decision, by }, at };
      },
    ),
    announceAsked: ({ context, system }, { requestId, unshown }) =>
      announceAsked(bookOf({ system }, context.sessionId), requestId, unshown),
    announceDue({ context, system }, { due }) {
      for (const { requestId, count } of due) announceDue(bookOf({ system }, context.sessionId), requestId, count);
    },
    announceCount: ({ context, system }, { requestId, count }) =>
      announceCount(bookOf({ system }, context.sessionId), requestId, count),
    endRequests({ context, system }, { ends }) {
      if (ends.length > 0) endRequests(bookOf({ system }, context.sessionId), ends);
    },
    passDenial({ context, system }, denial) {
      if (denial === null) return;
      passDenial(bookOf({ system }, context.sessionId), denial.taskId, denial.message, denial.at);
    },
    expireDue({ context, event, system }) {
      const at = 'at' in event ? event.at : 0;
      const book = bookOf({ system }, context.sessionId);
      for (const { id, sessionId, expiresAt } of context.requests) {
        if (sessionId !== context.sessionId || expiresAt === undefined || msOf(expiresAt) > at) continue;
        tell(book, { type: 'request.settled', requestId: id, resolution: { how: 'expired' }, at });
      }
    },
  },
});

/** The function of a kind, or that of one of its stages, run with its ports. */
const bodyLeaf = leaf<BodyValue, StageInput>(async (scope) => {
  const { task, stage, before } = scope.input;
  const { sessionId, taskId, kind } = task;
  const { work } = kindOf(scope, sessionId, kind);
  const ports = portsOf(scope, sessionId, taskId);
  if (typeof work === 'function') return bodyValue(await work(ports.input, ports, scope.signal));
  if (!isStaged(work)) throw new Error(`Expected the work of "${kind}" to be made of functions, got actor logic.`);
  const at = stageNames(work.chart).indexOf(stage);
  const run = work.stages[at];
  if (run === undefined) throw new Error(`Expected the work of "${kind}" to have the stage "${stage}", got none.`);
  return bodyValue(await run(at === 0 ? ports.input : before, ports, scope));
});

function bodyValue(data: unknown): BodyValue {
  const hasAnswer = typeof data === 'object' && data !== null && 'answer' in data && typeof data.answer === 'string';
  return { answer: hasAnswer ? (data.answer as string) : null, data }; // The compiler forgets what the line above found.
}

const cleanupLogic = fromPromise<{ at: number }, TaskInput>(async ({ input, system, signal, self }) => {
  const { sessionId, taskId, kind } = input;
  const book = bookOf({ system }, sessionId);
  try {
    const { onAbort } = kindOf({ system }, sessionId, kind);
    if (onAbort !== undefined) {
      const ports = portsOf({ signal, revoked: false, self, system }, sessionId, taskId);
      await onAbort(ports.input, ports);
    }
  } catch (error) {
    // A hook that outlasts the kill bound is on its own: its task has ended.
    if (book.tasks.get(taskId)?.revoked !== false) return { at: clockOf(system).now() };
    const message = `The abort hook of "${kind}" failed: ${messageOf(error)}`;
    commit(book, { type: 'warning.raised', code: 'abort-hook-failed', message }, { taskId });
  }
  return { at: clockOf(system).now() };
});

/** The hop from a sub-session to its parent: named and visible, and the only forwarder there is. */
const relayLogic = fromCallback<{ type: string }, RelayInput>(({ input, system, self }) => {
  const child = bookOf({ system }, input.childId);
  const parent = bookOf({ system }, input.parentId);
  const { drained } = relay(child.channel, {
    childPath: child.path,
    hides: child.hides,
    tell: (event) => passFromBelow(parent, child, event),
    opened(request) {
      tell(parent, { type: 'request.opened', request }, self);
      offer(parent, request);
    },
    counted(announcement) {
      tell(parent, { ...announcement, type: 'request.counted' }, self);
      parent.channel.announce(announcement);
    },
    closed({ requestId, resolution }) {
      tell(parent, { type: 'request.closed', requestId }, self);
      announceClosed(parent, requestId, resolution);
    },
    consider(request) {
      try {
        return child.consider?.(request) ?? null;
      } catch (error) {
        const message = `The policy for requests of ${pathText(child.path)} failed, so the request was denied: ${messageOf(error)}`;
        commit(parent, { type: 'warning.raised', code: 'request-policy-failed', message });
        return 'denied';
      }
    },
    answer: (requestId, decision) => tell(child, { type: 'op.answer', requestId, decision, by: 'policy' }, self),
  });
  child.drained = drained;
});

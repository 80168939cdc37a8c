import { assertEvent, assign } from 'xstate';
import type { SessionInput } from '../src/protocol/messages.ts';
import type { SessionRequest, Unshown } from '../src/protocol/requests.ts';
import {
  countOf,
  type Denial,
  denialOf,
  denialOfAll,
  deniedAll,
  type Ending,
  hasRoom,
  isAbortDecision,
  isQueued,
  type OwnRequest,
  type OwnRequests,
  refusalOf,
  sameAs,
  settled,
  shown,
  type Turns,
  withoutQueued,
} from './own-requests.ts';
import { type Abort, atIn, type SessionMachineContext, type SessionMachineEvent, taskSetup } from './session-setup.ts';

type Scope = { context: SessionMachineContext; event: SessionMachineEvent };

/** The words of the session chart: those of its tasks, and what it says of the requests that it asks itself. */
export const sessionSetup = taskSetup.extend({
  guards: {
    isDenied: ({ context, event }) => denialOf(context, askedIn(event)) !== undefined,
    isRepeated: ({ context, event }) => sameAs(context, askedIn(event)) !== undefined,
    hasRoom: ({ context, event }) => hasRoom(context, turnsOf(context), atIn(event)),
    isNoneQueued: ({ context }) => !context.own.some(isQueued),
    /** The usual end of a request: there is no other one that it could be about. */
    isAlone: ({ context, event }) =>
      context.own.length <= 1 && event.type === 'request.settled' && denialOfAll(event.resolution) === null,
    isFreeing: (scope) => settledIn(scope).requests.own.some(isQueued),
  },
  actions: {
    // Provided by the runtime: it commits, tells and answers. It decides nothing.
    announceAsked: (_, _params: { requestId: string; unshown: Unshown | null }) => {},
    announceDue: (_, _params: { due: readonly Counted[] }) => {},
    announceCount: (_, _params: Counted) => {},
    endRequests: (_, _params: { ends: readonly Ending[] }) => {},
    passDenial: (_, _params: PassedDenial | null) => {},

    addAsked: assign(({ context, event }) => ({ own: [...context.own, askedIn(event)] })),
    addRepeated: assign(({ context, event }) => {
      const { requestId: sameAs } = countRepeated({ context, event });
      return { own: [...context.own, { ...askedIn(event), sameAs }] };
    }),
    giveTurns: assign((scope) => dueIn(scope).requests),
    endOwn: assign((scope) => settledIn(scope).requests),
    denyOwn: assign(({ context, event }) => deniedAll(context, null, messageIn(event)).requests),
    dropQueued: assign(({ context }, { taskIds }: Abort) => withoutQueued(context, taskIds)),
    countRequest: assign(({ context, event }) => {
      assertEvent(event, 'request.counted');
      const { requestId, count } = event;
      return { requests: context.requests.map((one) => (one.id === requestId ? counted(one, count) : one)) };
    }),
  },
});

type Counted = Readonly<{ requestId: string; count: number }>;
/** A denial of everything on its way to sessions below: those of a task, or, null, all of them. */
type PassedDenial = Readonly<{ taskId: string | null; message: string | null; at: number }>;

export function asked({ event }: Scope): { requestId: string; unshown: Unshown | null } {
  return { requestId: askedIn(event).requestId, unshown: null };
}

export function askedQueued(scope: Scope): { requestId: string; unshown: Unshown } {
  return { ...asked(scope), unshown: { why: 'queued' } };
}

export function askedDenied(scope: Scope): { requestId: string; unshown: Unshown } {
  return { ...asked(scope), unshown: { why: 'denied' } };
}

export function askedRepeated(scope: Scope): { requestId: string; unshown: Unshown } {
  return { ...asked(scope), unshown: { why: 'same', as: countRepeated(scope).requestId } };
}

/** The request that stands for the one that is asked, and how often it is asked with it. */
export function countRepeated({ context, event }: Scope): Counted {
  const { requestId } = sameAs(context, askedIn(event)) as OwnRequest; // It is repeated.
  return { requestId, count: countOf(context, requestId) + 1 };
}

/** The end of a request that was denied before it was asked. */
export function endDenied({ context, event }: Scope): { ends: readonly Ending[] } {
  const request = askedIn(event);
  const denial = denialOf(context, request) as Denial; // It is denied.
  return { ends: [{ requestId: request.requestId, resolution: refusalOf(denial) }] };
}

/** What ends with the request that an event tells of. */
export function endOthers(scope: Scope): { ends: readonly Ending[] } {
  return { ends: settledIn(scope).others };
}

export function endAllOwn({ context, event }: Scope): { ends: readonly Ending[] } {
  return { ends: deniedAll(context, null, messageIn(event)).others };
}

/** What goes on to the sessions below; null when the decision is for the session alone. */
export function passedOn({ context, event }: Scope): PassedDenial | null {
  if (event.type === 'op.deny-all') return { taskId: null, message: event.message, at: event.at };
  assertEvent(event, 'request.settled');
  const all = denialOfAll(event.resolution);
  const isOwn = context.own.some(({ requestId }) => requestId === event.requestId);
  return all === null || !isOwn
    ? null
    : { taskId: scopeOf(context, event), message: all.message ?? null, at: atIn(event) };
}

/** What has its turn now, and for how many each of them stands. */
export function dueNow(scope: Scope): { due: readonly Counted[] } {
  const { requests, ids } = dueIn(scope);
  return { due: ids.map((requestId) => ({ requestId, count: countOf(requests, requestId) })) };
}

export function turnsOf({ requestsOpenMax = null, requestsPerMinuteMax = null }: SessionInput): Turns {
  return { requestsOpenMax, requestsPerMinuteMax };
}

/** The same request, asked this often. */
export function counted({ count: _count, ...request }: SessionRequest, count: number): SessionRequest {
  return count === 1 ? request : { ...request, count };
}

/** A decision that stops the task gives no turn to what else the task asks. */
function dueIn({ context, event }: Scope): { requests: OwnRequests; ids: readonly string[] } {
  const isStopping = event.type === 'request.settled' && isAbortDecision(event.resolution);
  return isStopping ? { requests: ownIn(context), ids: [] } : shown(ownIn(context), turnsOf(context), atIn(event));
}

function settledIn({ context, event }: Scope): { requests: OwnRequests; others: readonly Ending[] } {
  assertEvent(event, 'request.settled');
  return settled(ownIn(context), event, scopeOf(context, event));
}

/** What a denial of everything is for: at the root the task that asked, below it all that the session does. */
function scopeOf({ path, own }: SessionMachineContext, event: SessionMachineEvent): string | null {
  if (path.length > 1 || !('requestId' in event)) return null;
  return own.find(({ requestId }) => requestId === event.requestId)?.taskId ?? null;
}

/** The request that the session itself asks. */
function askedIn(event: SessionMachineEvent): OwnRequest {
  assertEvent(event, 'request.asked');
  const { type: _type, at: askedAt, ...asked } = event;
  return { ...asked, askedAt, shownAt: null, sameAs: null };
}

function messageIn(event: SessionMachineEvent): string | null {
  assertEvent(event, 'op.deny-all');
  return event.message;
}

function ownIn({ own, denials, shownAtMs }: OwnRequests): OwnRequests {
  return { own, denials, shownAtMs };
}

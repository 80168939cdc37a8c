import type { DenyAll, Resolution } from '../src/protocol/requests.ts';
import { decisionWord } from '../src/protocol/requests.ts';

/** What a session's chart knows of a request that the session asks itself, until it has ended. */
export type OwnRequest = Readonly<{
  requestId: string;
  taskId: string;
  /** The same for two requests only if all that runs is the same. */
  identity: string;
  /** Hash of the subject. */
  boundTo: string;
  askedAt: number;
  /** When it was put in front of people; null while it waits for that. */
  shownAt: number | null;
  /** The request that is shown in its place; null when it stands for itself. */
  sameAs: string | null;
}>;

/** What was denied and is not asked again. Null stands for every task, and for whatever is asked. */
export type Denial = Readonly<{ taskId: string | null; boundTo: string | null; message: string | null }>;

/** How many requests a session may have in front of people: at once, and shown within a minute. Null: as many as it asks. */
export type Turns = Readonly<{ requestsOpenMax: number | null; requestsPerMinuteMax: number | null }>;

export type OwnRequests = Readonly<{
  /** In the order in which they were asked. */
  own: readonly OwnRequest[];
  denials: readonly Denial[];
  /** When requests were shown within the last minute; the oldest first. */
  shownAtMs: readonly number[];
}>;

export type Ending = Readonly<{ requestId: string; resolution: Resolution }>;

/** How many denials of single things a session remembers; the oldest are forgotten, and asked about again. */
const DENIALS_MAX = 1_000;
const MINUTE_MS = 60_000;

export const NO_REQUESTS: OwnRequests = { own: [], denials: [], shownAtMs: [] };

/** The denial that answers a request before anybody is asked. */
export function denialOf({ denials }: OwnRequests, { taskId, boundTo }: OwnRequest): Denial | undefined {
  return denials.find(
    (denial) => (denial.taskId ?? taskId) === taskId && (denial.boundTo === null || denial.boundTo === boundTo),
  );
}

/** What is answered instead of asking; the words are for the model. */
export function refusalOf({ boundTo, message }: Denial): Resolution {
  const words =
    boundTo === null
      ? 'whatever is asked here is denied, and nobody is asked any more'
      : 'this was denied before in this task, and is not asked again';
  const because = message === null ? '' : ` (${message})`;
  const full = `${words}${because}. Go on without it.`;
  return { how: 'answered', decision: { decision: 'denied', message: full }, by: 'policy' };
}

/** The request that waits for the decision of this one as well. */
export function sameAs({ own }: OwnRequests, { taskId, identity }: OwnRequest): OwnRequest | undefined {
  return own.find((one) => one.sameAs === null && one.taskId === taskId && one.identity === identity);
}

/** How many identical requests one decision is for. */
export function countOf({ own }: OwnRequests, requestId: string): number {
  return 1 + own.filter((one) => one.sameAs === requestId).length;
}

export function isQueued({ shownAt, sameAs: other }: OwnRequest): boolean {
  return shownAt === null && other === null;
}

/** Whether one more may be shown now. */
export function hasRoom({ own, shownAtMs }: OwnRequests, { requestsOpenMax, requestsPerMinuteMax }: Turns, at: number) {
  const open = own.filter(({ shownAt }) => shownAt !== null).length;
  const recent = shownAtMs.filter((shown) => shown > at - MINUTE_MS).length;
  return open < (requestsOpenMax ?? Infinity) && recent < (requestsPerMinuteMax ?? Infinity);
}

/** When the next one may be shown though nothing ends, in ms since 1970; null when something has to end first. */
export function nextTurn({ own, shownAtMs }: OwnRequests, { requestsOpenMax, requestsPerMinuteMax }: Turns) {
  const open = own.filter(({ shownAt }) => shownAt !== null).length;
  if (open >= (requestsOpenMax ?? Infinity)) return null;
  const first = shownAtMs[shownAtMs.length - (requestsPerMinuteMax ?? Infinity)];
  return first === undefined ? 0 : first + MINUTE_MS;
}

/** Shows what has its turn, the oldest first. */
export function shown(requests: OwnRequests, turns: Turns, at: number): { requests: OwnRequests; ids: string[] } {
  const ids: string[] = [];
  let next = requests;
  for (const { requestId } of requests.own.filter(isQueued)) {
    if (!hasRoom(next, turns, at)) break;
    ids.push(requestId);
    next = {
      ...next,
      own: next.own.map((one) => (one.requestId === requestId ? { ...one, shownAt: at } : one)),
      // Who may show as many as it likes need not count them.
      shownAtMs:
        turns.requestsPerMinuteMax === null ? [] : [...next.shownAtMs.filter((time) => time > at - MINUTE_MS), at],
    };
  }
  return { requests: next, ids };
}

/**
 * What the end of a request comes to: the ends of others with it, and what is remembered. `scope` is the task that a
 * denial of everything is for; null for all tasks of the session.
 */
export function settled(
  requests: OwnRequests,
  { requestId, resolution }: Ending,
  scope: string | null,
): { requests: OwnRequests; others: Ending[] } {
  const ended = requests.own.find((one) => one.requestId === requestId);
  if (ended === undefined) return { requests, others: [] };
  const followers = requests.own.length === 1 ? [] : requests.own.filter((one) => one.sameAs === requestId);
  const others = followers.slice(0, coveredBy(resolution)).map((one) => ({
    requestId: one.requestId,
    resolution: isAbortDecision(resolution) ? ABORTED : resolution,
  }));
  const left = followers.slice(others.length);
  const gone = new Set([requestId, ...others.map((one) => one.requestId)]);
  const rest: OwnRequests = {
    own: requests.own
      .filter((one) => !gone.has(one.requestId))
      .map((one) => (left.includes(one) ? freed(one, left[0]) : one)),
    denials: remembered(requests.denials, ended, resolution),
    shownAtMs: wasSeen(resolution) ? requests.shownAtMs : without(requests.shownAtMs, ended.shownAt),
  };
  const all = denialOfAll(resolution);
  if (all === null) return { requests: rest, others };
  const denied = deniedAll(rest, scope, all.message ?? null);
  return { requests: denied.requests, others: [...others, ...denied.others] };
}

/** Denies everything that is asked from now on in a task (null: in all), and ends what is open. */
export function deniedAll(
  requests: OwnRequests,
  taskId: string | null,
  message: string | null,
): { requests: OwnRequests; others: Ending[] } {
  const isMeant = (one: OwnRequest) => taskId === null || one.taskId === taskId;
  const decision = message === null ? ('denied' as const) : ({ decision: 'denied', message } as const);
  const resolution: Resolution = { how: 'answered', decision, by: 'client' };
  const others = requests.own.filter(isMeant).map(({ requestId }) => ({ requestId, resolution }));
  const denials = requests.denials.filter((denial) => denial.boundTo !== null || denial.taskId !== taskId);
  return {
    requests: {
      ...requests,
      own: requests.own.filter((one) => !isMeant(one)),
      denials: [{ taskId, boundTo: null, message }, ...denials],
    },
    others,
  };
}

/** What is not shown of tasks that stop gets no turn any more; its end comes with theirs. */
export function withoutQueued(requests: OwnRequests, taskIds: readonly string[]): OwnRequests {
  const { own, denials, shownAtMs } = requests;
  return { own: own.filter((one) => one.shownAt !== null || !taskIds.includes(one.taskId)), denials, shownAtMs };
}

/** What is left when a task has ended: nothing of it is asked any more, and what was denied in it is forgotten. */
export function withoutTask(requests: OwnRequests, taskId: string): OwnRequests {
  const { own, denials, shownAtMs } = requests;
  return {
    own: own.filter((one) => one.taskId !== taskId),
    denials: denials.filter((denial) => denial.taskId !== taskId),
    shownAtMs,
  };
}

/** The decision to deny everything, if it is one. */
export function denialOfAll(resolution: Resolution): DenyAll | null {
  if (resolution.how !== 'answered' || typeof resolution.decision !== 'object') return null;
  return 'all' in resolution.decision ? resolution.decision : null;
}

const ABORTED: Resolution = { how: 'withdrawn', why: 'aborted' };

/** How many that wait for the same decision end with it. */
function coveredBy(resolution: Resolution): number {
  if (resolution.how === 'withdrawn') return 0;
  if (resolution.how === 'expired' || typeof resolution.decision === 'string') return Infinity;
  return 'count' in resolution.decision ? Math.max(0, resolution.decision.count - 1) : Infinity;
}

/** What waited for a decision that was not for it: the oldest stands for the others from now on. */
function freed(one: OwnRequest, oldest: OwnRequest | undefined): OwnRequest {
  return { ...one, sameAs: oldest === undefined || oldest === one ? null : oldest.requestId };
}

function remembered(denials: readonly Denial[], ended: OwnRequest, resolution: Resolution): readonly Denial[] {
  const { taskId, boundTo } = ended;
  if (resolution.how !== 'answered' || resolution.by !== 'client') return denials;
  if (decisionWord(resolution.decision) !== 'denied' || denialOfAll(resolution) !== null) return denials;
  const { decision } = resolution;
  const message = typeof decision === 'object' && 'message' in decision ? (decision.message ?? null) : null;
  const known = denials.filter((denial) => denial.taskId !== taskId || denial.boundTo !== boundTo);
  const [all, single] = [known.filter((one) => one.boundTo === null), known.filter((one) => one.boundTo !== null)];
  return [...all, ...single.slice(1 - DENIALS_MAX), { taskId, boundTo, message }];
}

/** What a policy has answered, or nobody, was in front of no person. */
function wasSeen(resolution: Resolution): boolean {
  return resolution.how !== 'answered' || resolution.by === 'client';
}

function without(times: readonly number[], time: number | null): readonly number[] {
  const at = time === null ? -1 : times.lastIndexOf(time);
  return at === -1 ? times : times.toSpliced(at, 1);
}

export function isAbortDecision(resolution: Resolution): boolean {
  return resolution.how === 'answered' && decisionWord(resolution.decision) === 'abort';
}

import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { isQueued, type OwnRequest } from '../../machines/own-requests.ts';
import { running } from '../../machines/session-setup.ts';
import type { WaitingCause, WaitingOn } from '../protocol/waiting.ts';
import type { Asking, Book } from './book.ts';

/** Why a session waits: the chain of its tasks' works down to the leaf causes. Empty when nothing runs. */
export function waitingOn(book: Book): readonly WaitingOn[] {
  if (book.actor === null) return [];
  const chain: WaitingOn[] = [];
  const snapshot = book.actor.getSnapshot() as AnyMachineSnapshot; // A session is a machine.
  for (const [taskId, record] of book.tasks) {
    const slot = running(snapshot.context).find((candidate) => candidate.taskId === taskId);
    const task = slot === undefined ? undefined : snapshot.children[slot.childId];
    const context = { book, taskId, since: record.startedAtMs };
    if (task !== undefined) follow(task, context, chain);
    else chain.push(link(context, 'disk', 'the terminal of the task is on its way to the disk'));
    chain.push(...queueOf(book, taskId, snapshot.context.own));
  }
  return chain;
}

/** What a task has asked and nobody has been shown, because enough of its session is shown. */
function queueOf(book: Book, taskId: string, own: readonly OwnRequest[]): WaitingOn[] {
  const ofTask = own.filter((one) => one.taskId === taskId);
  const [first, ...others] = ofTask.filter(isQueued);
  if (first === undefined) return [];
  const { requestsOpenMax, requestsPerMinuteMax } = book.settings.limits;
  const count = others.length + 1;
  const what =
    `the turn of ${count} ${count === 1 ? 'request' : 'requests'} to be shown: ` +
    `at most ${requestsOpenMax ?? 'all'} of a sub-session at once, and ${requestsPerMinuteMax ?? 'all'} in a minute`;
  return [link({ book, taskId, since: first.askedAt }, 'queue', what)];
}

type Place = { book: Book; taskId: string; since: number };

/** The states of a machine say by their `waitsFor` what they wait for; the deepest say it best. */
function follow(actor: AnyActorRef, place: Place, chain: WaitingOn[]): void {
  const snapshot = actor.getSnapshot() as Partial<AnyMachineSnapshot>; // Leaves have neither states nor children.
  if (snapshot.status !== 'active') return;
  const { sessionId } = (snapshot.context ?? {}) as { sessionId?: string }; // Only a session has one at the top.
  if (sessionId !== undefined && sessionId !== place.book.id) {
    const child = place.book.world.books.get(sessionId);
    if (child !== undefined) chain.push(...waitingOn(child));
    return;
  }
  const below: WaitingOn[] = [];
  const children: Readonly<Record<string, AnyActorRef>> = snapshot.children ?? {};
  for (const child of Object.values(children)) follow(child, place, below);
  // What waits for something below is said better by that, unless it is the hop to a sub-session.
  const causes = causesOf(snapshot).filter((cause) => below.length === 0 || cause === 'sub-session');
  for (const cause of causes) {
    const isDecision = cause === 'decision' && asksOf(actor, place).every(({ isShown }) => isShown);
    chain.push(link(place, cause !== 'decision' || isDecision ? cause : 'queue', wordsFor(cause, actor, place)));
  }
  chain.push(...below);
}

function causesOf(snapshot: Partial<AnyMachineSnapshot>): WaitingCause[] {
  const meta = snapshot.getMeta?.() ?? {};
  return Object.values(meta).map(({ waitsFor }: { waitsFor: WaitingCause }) => waitsFor);
}

/** What the contexts of the charts that wait have to say for whom. */
type Waiter = { input?: { call?: { callId: string }; session?: { sessionId: string } } };

function inputOf(actor: AnyActorRef): NonNullable<Waiter['input']> {
  const { context } = actor.getSnapshot() as AnyMachineSnapshot; // Only the states of a machine say what they wait for.
  return (context as Waiter).input ?? {};
}

/** What a call asks. */
function asksOf(actor: AnyActorRef, { book, taskId }: Pick<Place, 'book' | 'taskId'>): readonly Asking[] {
  const { call } = inputOf(actor);
  return [...(book.askings?.values() ?? [])].filter(
    ({ request }) => request.taskId === taskId && request.callId === call?.callId,
  );
}

function wordsFor(cause: WaitingCause, actor: AnyActorRef, { book, taskId }: Place): string {
  const { call, session } = inputOf(actor);
  switch (cause) {
    case 'model':
      return `the model ${book.settings.model.name}`;
    case 'tool':
      return `the tool call ${call?.callId ?? ''}`.trimEnd();
    case 'decision':
      return asksOf(actor, { book, taskId })
        .map(({ request }) => request.id)
        .join(', ');
    case 'sub-session':
      return `the sub-session ${session?.sessionId ?? ''}`.trimEnd();
    case 'abort':
      return 'what was told to stop';
    default:
      return `the work of ${taskId}`;
  }
}

function link({ book, taskId, since }: Place, cause: WaitingCause, what: string): WaitingOn {
  return { path: book.path, taskId, cause, what, forMs: Math.max(0, book.world.clock.now() - since) };
}

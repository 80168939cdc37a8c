import { TroupeError } from '../protocol/errors.ts';
import { isTerminal, type SessionEvent } from '../protocol/events.ts';
import { msOf } from '../protocol/iso-time.ts';
import { pathText } from '../protocol/path.ts';
import { decisionWord, type SessionRequest } from '../protocol/requests.ts';
import type { Chart } from './chart.ts';
import type { Sent } from './live-actors.ts';
import { createMessageRing } from './message-ring.ts';
import type { PageSource } from './page-source.ts';
import { recordedActors } from './recorded-actors.ts';
import { recordedWaiting } from './recorded-waiting.ts';
import { applyEvent } from './view/apply-event.ts';
import { emptyTree } from './view/tree-view.ts';
import type { Mark, RecordingView } from './view/wire.ts';

/** The logs of a session and of those below it: what they told, in the order of time. */
export type Recording = Readonly<{
  sessionId: string;
  title: string;
  events: readonly SessionEvent[];
  notes: readonly string[];
}>;

export type RecordedOptions = Readonly<{
  charts: ReadonlyMap<string, Chart>;
  /** Makes a session that begins with what one had said up to an item; gives its id. */
  fork(sessionId: string, itemId: string): Promise<string>;
}>;

/** How much of a text a mark has, in characters. */
const MARK_MAX_CHARACTERS = 80;

/** A recording at a position, which moves as it is told to. Nothing is run, asked or written for it. */
export function createRecordedSource(recording: Recording, { charts, fork }: RecordedOptions): PageSource {
  const { events } = recording;
  const view: RecordingView = {
    sessionId: recording.sessionId,
    length: events.length,
    times: events.map(({ time }) => msOf(time)),
    marks: marksOf(events),
    notes: recording.notes,
  };
  let tree = emptyTree();
  let messages = createMessageRing();
  let position = 0;
  let version = 0;
  let rev = 0;

  const goTo = (wanted: number): void => {
    const target = Math.min(Math.max(Math.trunc(wanted), 0), events.length);
    if (target < position) {
      // Going back is going there from the beginning: a view is cheap to build, and then it is surely the same.
      tree = emptyTree();
      messages = createMessageRing();
      position = 0;
      version += 1;
    }
    for (; position < target; position += 1) {
      const event = events[position];
      if (event === undefined) break;
      applyEvent(tree, event);
      messages.add(sentBy(event), msOf(event.time));
    }
    rev += 1;
  };
  const now = () => view.times[Math.max(0, position - 1)] ?? 0;
  goTo(events.length);

  return {
    get tree() {
      return tree;
    },
    get messages() {
      return messages;
    },
    hello: () => ({ mode: 'recording', title: recording.title, recording: view }),
    version: () => version,
    rev: () => rev,
    now,
    position: () => position,
    actors: () => recordedActors(tree, charts, rev),
    chart: (key) => charts.get(key) ?? null,
    context: (actorId) => tree.sessions.get(actorId.slice(actorId.indexOf(':') + 1)) ?? null,
    why: (sessionId) => recordedWaiting(tree, sessionId, now()),
    async fulfil(wish) {
      if (wish.do === 'go') return goTo(wish.position);
      if (wish.do !== 'fork')
        throw new TroupeError(
          'rejected',
          'Expected a session that runs, this is a recording: nothing of it can be changed.',
        );
      const itemId = lastItemOf(events, position, wish.sessionId);
      if (itemId === null)
        throw new TroupeError(
          'rejected',
          'Expected something said in this session by now, nothing was. Go on a little.',
        );
      return fork(wish.sessionId, itemId);
    },
  };
}

/** The last item of a session that was complete at a position. */
function lastItemOf(events: readonly SessionEvent[], position: number, sessionId: string): string | null {
  for (let at = position - 1; at >= 0; at -= 1) {
    const event = events[at];
    if (event?.type === 'item.completed' && event.sessionId === sessionId) return event.item.id;
  }
  return null;
}

/** A record as a message: a session tells the one above it, the root tells people, and people decide. */
function sentBy(event: SessionEvent): Sent {
  const own = pathText(event.path);
  const above = event.path.length > 1 ? pathText(event.path.slice(0, -1)) : 'people';
  const { seq: _seq, epoch: _epoch, time: _time, sessionId, path: _path, ...body } = event;
  const isDecision = event.type === 'request.resolved';
  return { from: isDecision ? 'people' : own, to: isDecision ? own : above, event: body, sessionId };
}

function marksOf(events: readonly SessionEvent[]): readonly Mark[] {
  return events.flatMap((event, index): Mark[] => {
    const found = markOf(event);
    if (found === null) return [];
    const text = found.text.replace(/\s+/g, ' ').slice(0, MARK_MAX_CHARACTERS);
    return [{ ...found, text, position: index + 1 }];
  });
}

function markOf(event: SessionEvent): Pick<Mark, 'what' | 'text'> | null {
  if (event.type === 'item.completed' && event.item.type === 'user_message')
    return { what: 'message', text: event.item.text };
  if (event.type === 'item.completed' && event.item.type === 'error')
    return { what: 'error', text: event.item.message };
  if (event.type === 'request.opened') return { what: 'request', text: subjectWords(event.request) };
  if (event.type === 'request.resolved') {
    const { resolution } = event;
    return {
      what: 'decision',
      text: resolution.how === 'answered' ? decisionWord(resolution.decision) : resolution.how,
    };
  }
  if (event.type === 'task.failed') return { what: 'error', text: event.error.message };
  if (isTerminal(event)) return { what: 'end', text: event.type.slice('task.'.length) };
  return null;
}

function subjectWords({ subject }: SessionRequest): string {
  return subject.kind === 'command' ? subject.shown : subject.kind;
}

import type { Told } from './walk-model.ts';

export type ShowingEvent =
  | 'a asks x'
  | 'a asks x otherwise'
  | 'b asks x'
  | 'b asks y'
  | 'the oldest is approved'
  | 'the oldest is approved once'
  | 'the oldest is approved by a policy'
  | 'the oldest is denied'
  | 'the oldest is denied by nobody'
  | 'the oldest is denied, and all with it'
  | 'the decision on the oldest is to abort'
  | 'the oldest expires'
  | 'the oldest is withdrawn'
  | 'the newest is withdrawn'
  | 'another ends'
  | 'all is denied above'
  | 'a stops'
  | 'a completes'
  | 'a crashes'
  | 'b completes'
  | 'a moment passes'
  | 'a minute passes'
  | 'close';

type Task = 'a' | 'b';
type Asked = Readonly<{
  id: string;
  task: Task;
  /** What is asked about. */
  subject: string;
  /** Two of a task with the same one are the same request. */
  run: string;
  /** In front of people, and since when. */
  shown: 'no' | 'this minute' | 'before';
  /** The request whose decision is for this one as well. */
  as: string | null;
}>;
/** Null stands for whatever is asked, and for every task. */
type Denied = Readonly<{ task: Task | null; subject: string | null }>;

/** What a session asks and shows. `value` says whether something waits for its turn; all that it has said is in `told`. */
export type ShowingModel = Told &
  Readonly<{
    value: 'at-once' | 'in-turn' | 'over';
    /** Oldest first. */
    asked: readonly Asked[];
    denied: readonly Denied[];
    shownThisMinute: number;
    running: readonly Task[];
    stopping: readonly Task[];
    closing: boolean;
    count: number;
  }>;

/** How many may be open at once and be shown in a minute; null: as many as are asked. A denial of all is for the root's task, or for the whole of a sub-session. */
export type ShowingRules = Readonly<{ open: number | null; perMinute: number | null; isRoot: boolean }>;

export const NOTHING_SHOWN: ShowingModel = {
  told: [],
  value: 'at-once',
  asked: [],
  denied: [],
  shownThisMinute: 0,
  running: ['a', 'b'],
  stopping: [],
  closing: false,
  count: 0,
};

type How =
  | 'answered approved by client'
  | 'answered approved by policy'
  | 'answered denied by client'
  | 'answered denied by nobody'
  | 'answered abort by client'
  | 'withdrawn'
  | 'expired';
type Turn = (model: ShowingModel) => ShowingModel;

const isWaiting = ({ shown, as }: Asked) => shown === 'no' && as === null;
const say = (model: ShowingModel, ...told: string[]): ShowingModel => ({ ...model, told: [...model.told, ...told] });
/** This one, and those that wait for its decision. */
const howMany = ({ asked }: ShowingModel, id: string) => asked.filter((one) => one.id === id || one.as === id).length;

/** What a session promises of its requests: the same once, the rest in turn, and nothing again that was denied. */
export function showingOf(rules: ShowingRules): (model: ShowingModel, event: ShowingEvent) => ShowingModel {
  const hasRoom = ({ asked, shownThisMinute }: ShowingModel) =>
    asked.filter(({ shown }) => shown !== 'no').length < (rules.open ?? Infinity) &&
    shownThisMinute < (rules.perMinute ?? Infinity);
  /** Whoever waits the longest is shown first. */
  const nextTurns: Turn = (model) => {
    const next = model.asked.find(isWaiting);
    if (next === undefined || !hasRoom(model)) return model;
    return nextTurns(say(shown(model, next.id), `shown ${next.id} for ${howMany(model, next.id)}`));
  };

  function asks(before: ShowingModel, task: Task, subject: string, run = subject): ShowingModel {
    const id = `r${before.count + 1}`;
    const model = { ...before, count: before.count + 1 };
    if (model.denied.some((one) => (one.task ?? task) === task && (one.subject ?? subject) === subject))
      return say(model, `asked ${id} denied`, `end ${id} answered denied by policy`);
    const same = model.asked.find((one) => one.as === null && one.task === task && one.run === run);
    const request = { id, task, subject, run, shown: 'no', as: same?.id ?? null } as const;
    const kept: ShowingModel = { ...model, asked: [...model.asked, request] };
    if (same !== undefined)
      return say(kept, `asked ${id} same ${same.id}`, `count ${same.id} ${howMany(kept, same.id)}`);
    const isNext = !model.asked.some(isWaiting) && hasRoom(model);
    return isNext ? say(shown(kept, id), `asked ${id}`) : say(kept, `asked ${id} queued`);
  }

  /** A task that is to stop is shown no further. */
  const ends = (model: ShowingModel, one: Asked | undefined, how: How, isForAll = true) =>
    how === 'answered abort by client' ? ended(model, one, how, isForAll) : nextTurns(ended(model, one, how, isForAll));

  function endsWithAll(model: ShowingModel, one: Asked | undefined): ShowingModel {
    const left = ended(model, one, 'answered denied by client', true);
    return one === undefined ? left : nextTurns(allDenied(left, rules.isRoot ? one.task : null));
  }

  function minutePasses(model: ShowingModel): ShowingModel {
    const asked = model.asked.map((one) => (one.shown === 'no' ? one : { ...one, shown: 'before' as const }));
    return nextTurns({ ...model, asked, shownThisMinute: 0 });
  }

  function happened(model: ShowingModel, event: ShowingEvent): ShowingModel {
    const [oldest] = model.asked;
    switch (event) {
      case 'a asks x':
        return asks(model, 'a', 'x');
      case 'a asks x otherwise':
        return asks(model, 'a', 'x', 'x otherwise');
      case 'b asks x':
        return asks(model, 'b', 'x');
      case 'b asks y':
        return asks(model, 'b', 'y');
      case 'the oldest is approved':
        return ends(model, oldest, 'answered approved by client');
      case 'the oldest is approved once':
        return ends(model, oldest, 'answered approved by client', false);
      case 'the oldest is approved by a policy':
        return ends(model, oldest, 'answered approved by policy');
      case 'the oldest is denied':
        return ends(denied(model, oldest?.task ?? null, oldest?.subject ?? null), oldest, 'answered denied by client');
      case 'the oldest is denied by nobody':
        return ends(model, oldest, 'answered denied by nobody');
      case 'the oldest is denied, and all with it':
        return endsWithAll(model, oldest);
      case 'the decision on the oldest is to abort':
        return ends(model, oldest, 'answered abort by client');
      case 'the oldest expires':
        return ends(model, oldest, 'expired');
      case 'the oldest is withdrawn':
        return ends(model, oldest, 'withdrawn');
      case 'the newest is withdrawn':
        return ends(model, model.asked.at(-1), 'withdrawn');
      case 'another ends':
        return model;
      case 'all is denied above':
        return allDenied(model, null);
      case 'a stops':
        return stops(model, ['a']);
      case 'a completes':
        return nextTurns(taskEnds(model, 'a'));
      case 'a crashes':
        // Nobody knows when that was: the clock says when the next turn is.
        return taskEnds(model, 'a');
      case 'b completes':
        return nextTurns(taskEnds(model, 'b'));
      case 'a moment passes':
        return nextTurns(model);
      case 'a minute passes':
        return minutePasses(nextTurns(model));
      case 'close':
        return { ...stops(model, model.running), closing: true };
    }
  }

  return (before, event) => {
    const model = happened(before, event);
    if (model.closing && model.running.length === 0) return { ...model, value: 'over' };
    return { ...model, value: model.asked.some(isWaiting) ? 'in-turn' : 'at-once' };
  };
}

function shown(model: ShowingModel, id: string): ShowingModel {
  const asked = model.asked.map((one) => (one.id === id ? ({ ...one, shown: 'this minute' } as const) : one));
  return { ...model, asked, shownThisMinute: model.shownThisMinute + 1 };
}

/** What is not shown of a task that stops never is. */
function stops(model: ShowingModel, tasks: readonly Task[]): ShowingModel {
  const asked = model.asked.filter((one) => one.shown !== 'no' || !tasks.includes(one.task));
  return { ...model, asked, stopping: [...new Set([...model.stopping, ...tasks])].toSorted() };
}

/** Nothing of a task that has ended is asked any more, and what was denied in it is forgotten. */
function taskEnds(model: ShowingModel, task: Task): ShowingModel {
  const running = model.running.filter((one) => one !== task);
  const stopping = model.stopping.filter((one) => one !== task);
  const asked = model.asked.filter((one) => one.task !== task);
  const denied = model.denied.filter((one) => one.task !== task);
  return { ...model, running, stopping, asked, denied };
}

/** The end of a request is that of those that wait for its decision, as far as the decision is for them; the oldest of the others stands for them. */
function ended(model: ShowingModel, one: Asked | undefined, how: How, isForAll: boolean): ShowingModel {
  if (one === undefined) return model;
  const others = model.asked.filter(({ as }) => as === one.id);
  const isShared = isForAll && how !== 'withdrawn';
  const [heir] = others;
  const freed = (other: Asked) => ({ ...other, as: other === heir ? null : (heir?.id ?? null) });
  const asked = model.asked
    .filter((other) => other !== one && !(isShared && others.includes(other)))
    .map((other) => (others.includes(other) ? freed(other) : other));
  // What a policy decides, or nobody, no person has seen: it does not count for the minute.
  const isUncounted = one.shown === 'this minute' && (how.endsWith('by policy') || how.endsWith('by nobody'));
  const told = isShared
    ? others.map(({ id }) => `end ${id} ${how === 'answered abort by client' ? 'withdrawn' : how}`)
    : [];
  return say({ ...model, asked, shownThisMinute: model.shownThisMinute - (isUncounted ? 1 : 0) }, ...told);
}

/** Whatever the task asks, or all tasks, is denied: what is open, and what comes. */
function allDenied(model: ShowingModel, task: Task | null): ShowingModel {
  const isMeant = (one: Asked) => task === null || one.task === task;
  return say(
    denied({ ...model, asked: model.asked.filter((one) => !isMeant(one)) }, task, null),
    ...model.asked.filter(isMeant).map(({ id }) => `end ${id} answered denied by client`),
    `pass denial to ${task ?? 'all'}`,
  );
}

/** Kept in an order of its own: which of two was denied first makes no difference. */
function denied(model: ShowingModel, task: Task | null, subject: string | null): ShowingModel {
  const others = model.denied.filter((one) => one.task !== task || one.subject !== subject);
  return { ...model, denied: [...others, { task, subject }].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b))) };
}

function keyOf({ task, subject }: Denied): string {
  return `${task}: ${subject}`;
}

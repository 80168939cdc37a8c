import type { Told } from './walk-model.ts';

export type SessionEvent =
  | 'start'
  | 'start in its place'
  | 'start unless busy'
  | 'start beside'
  | 'start in a crowd'
  | 'start beside, owned'
  | 'steer'
  | 'inputs are taken'
  | 'its turn comes'
  | 'the task completes'
  | 'the task is aborted'
  | 'the task crashes'
  | 'the one beside completes'
  | 'the one beside crashes'
  | 'the first terminal is seen'
  | 'the last terminal is seen'
  | 'interrupt'
  | 'abort the task'
  | 'abort the next'
  | 'cancel the task'
  | 'kill'
  | 'the task acknowledges'
  | 'close';

type When = 'queue' | 'replace' | 'reject';
type Waiting = Readonly<{ id: string; when: When; said: boolean }>;

/** A session as people see it. `value` is what it does; all that it has said and told its tasks is in `told`. */
export type SessionModel = Told &
  Readonly<{
    value: 'idle' | 'admitting' | 'busy' | 'replacing' | 'settling' | 'closing' | 'closed';
    task: string | null;
    beside: readonly Readonly<{ id: string; owner: string | null }>[];
    queue: readonly Waiting[];
    inputs: readonly string[];
    /** Terminals that nobody has seen. */
    unseen: readonly string[];
    /** How the last foreground task has ended. */
    lastEnd: 'completed' | 'aborted' | 'failed' | null;
    started: number;
  }>;

export const NEW_SESSION: SessionModel = {
  told: ['opened'],
  value: 'idle',
  task: null,
  beside: [],
  queue: [],
  inputs: [],
  unseen: [],
  lastEnd: null,
  started: 0,
};

const say = (model: SessionModel, ...told: string[]): SessionModel => ({ ...model, told: [...model.told, ...told] });
const runningIn = ({ task, beside }: SessionModel) => [...(task === null ? [] : [task]), ...beside.map(({ id }) => id)];

/** What a session promises of its tasks: one in the foreground, the old terminal seen before the new start, every start answered. */
export function nextSession(model: SessionModel, event: SessionEvent): SessionModel {
  if (model.value === 'closed') return model;
  return atRest(closedAtRest(superseded(happened(model, event))));
}

function happened(model: SessionModel, event: SessionEvent): SessionModel {
  switch (event) {
    case 'start':
      return ordered(model, 'queue');
    case 'start in its place':
      return ordered(model, 'replace');
    case 'start unless busy':
      return ordered(model, 'reject');
    case 'start in a crowd':
      return ordered(model, 'queue', true);
    case 'start beside':
      return besides(model, null);
    case 'start beside, owned':
      return besides(model, model.task);
    case 'steer':
      return steered(model);
    case 'inputs are taken':
      return { ...model, inputs: [] };
    case 'its turn comes':
      return nextOfQueue(model);
    case 'the task completes':
      return taskEnded(model, 'completed');
    case 'the task is aborted':
      return taskEnded(model, 'aborted');
    case 'the task crashes':
      return taskEnded(model, 'failed');
    case 'the one beside completes':
      return besideEnded(model, 'completed');
    case 'the one beside crashes':
      return besideEnded(model, 'failed');
    case 'the first terminal is seen':
      return seen(model, model.unseen[0]);
    case 'the last terminal is seen':
      return seen(model, model.unseen.at(-1));
    case 'interrupt':
      return aborting(dropped(model, 'interrupted'), 'interrupted', runningIn(model));
    case 'abort the task':
      return aborting(model, 'timeout', ownedBy(model, model.task));
    case 'abort the next': {
      const [next, ...queue] = model.queue;
      return next === undefined ? model : say({ ...model, queue }, `drop ${next.id} timeout`);
    }
    case 'cancel the task':
      return say(model, `${model.task} task.cancel`);
    case 'kill':
      return say(model, ...runningIn(model).map((id) => `${id} task.kill`));
    case 'the task acknowledges':
      return say(model, 'above session.acknowledged');
    case 'close':
      if (model.value === 'closing') return model;
      return { ...aborting(dropped(model, 'shutdown'), 'shutdown', runningIn(model)), value: 'closing' };
  }
}

function ordered(before: SessionModel, when: When, crowd = false): SessionModel {
  const id = `t${before.started + 1}`;
  const model = { ...before, started: before.started + 1 };
  const queued: SessionModel = { ...model, queue: [...model.queue, { id, when, said: false }] };
  switch (model.value) {
    case 'idle':
      return crowd
        ? say({ ...queued, value: 'admitting' }, `answer ${id} queued`)
        : say({ ...model, value: 'busy', task: id }, `answer ${id} started`, `start ${id}`);
    case 'closing':
      return say(model, `answer ${id} rejected closed`);
    default: {
      if (when === 'reject') return say(model, `answer ${id} rejected busy`);
      const waiting = say(queued, `answer ${id} queued`);
      return when === 'replace' && model.value === 'busy' ? replaced(waiting) : waiting;
    }
  }
}

function besides(before: SessionModel, owner: string | null): SessionModel {
  const id = `t${before.started + 1}`;
  const model = { ...before, started: before.started + 1 };
  if (model.value === 'closing') return say(model, `answer ${id} rejected closed`);
  return say({ ...model, beside: [...model.beside, { id, owner }] }, `answer ${id} started`, `start ${id}`);
}

function steered(model: SessionModel): SessionModel {
  const id = 'said-i';
  if (model.value === 'closing') return say(model, `answer ${id} rejected closed`);
  if (model.value === 'idle') return say({ ...model, value: 'busy', task: id }, `answer ${id} started`, `start ${id}`);
  return say({ ...model, inputs: [id] }, 'input i', `keep ${id}`);
}

function nextOfQueue(model: SessionModel): SessionModel {
  const [next, ...queue] = model.queue;
  return next === undefined ? model : say({ ...model, value: 'busy', task: next.id, queue }, `start ${next.id}`);
}

function taskEnded(model: SessionModel, lastEnd: NonNullable<SessionModel['lastEnd']>): SessionModel {
  const value = model.value === 'closing' ? 'closing' : 'settling';
  const unseen = [...model.unseen, model.task ?? ''];
  return say({ ...model, value, task: null, unseen, lastEnd }, `end ${model.task} ${lastEnd}`);
}

function besideEnded(model: SessionModel, end: string): SessionModel {
  const [first, ...beside] = model.beside;
  return say({ ...model, beside, unseen: [...model.unseen, first?.id ?? ''] }, `end ${first?.id} ${end}`);
}

/** Nothing starts before all terminals are seen; what was said and not taken goes on only where things went well. */
function seen(before: SessionModel, id: string | undefined): SessionModel {
  const model = { ...before, unseen: before.unseen.filter((one) => one !== id) };
  if (model.value !== 'settling' || model.unseen.length > 0) return model;
  if (model.queue.length > 0) return nextOfQueue(model);
  const [said] = model.inputs;
  if (said === undefined || model.lastEnd !== 'completed') return { ...model, value: 'idle' };
  return say({ ...model, value: 'busy', task: said, inputs: [] }, `start ${said}`);
}

function dropped(model: SessionModel, reason: string): SessionModel {
  return say({ ...model, queue: [] }, ...model.queue.map(({ id }) => `drop ${id} ${reason}`));
}

function aborting(model: SessionModel, reason: string, ids: readonly string[]): SessionModel {
  return say(model, ...ids.map((id) => `aborting ${id} ${reason}`), ...ids.map((id) => `${id} task.abort`));
}

function ownedBy({ beside }: SessionModel, task: string | null): readonly string[] {
  return task === null ? [] : [task, ...beside.filter(({ owner }) => owner === task).map(({ id }) => id)];
}

function replaced(model: SessionModel): SessionModel {
  return { ...aborting(model, 'replaced', ownedBy(model, model.task)), value: 'replacing' };
}

/** One that is to replace whatever runs does so as soon as it is its turn. */
function superseded(model: SessionModel): SessionModel {
  return model.value === 'busy' && model.queue[0]?.when === 'replace' ? replaced(model) : model;
}

function closedAtRest(model: SessionModel): SessionModel {
  const isAtRest = runningIn(model).length === 0 && model.unseen.length === 0;
  return model.value === 'closing' && isAtRest ? say({ ...model, value: 'closed' }, 'closed') : model;
}

function atRest(model: SessionModel): SessionModel {
  return model.value === 'admitting' && model.queue.length === 0 ? { ...model, value: 'idle' } : model;
}

/** What a caller does to a session, and what its model and the world do meanwhile. `which` is one of all starts. */
export type Act =
  | Readonly<{
      type:
        | 'run'
        | 'run in its place'
        | 'run unless busy'
        | 'start beside'
        | 'steer'
        | 'cancel'
        | 'abort what is in the foreground'
        | 'interrupt'
        | 'close'
        | 'the model answers'
        | 'the model says half and hangs'
        | 'the model fails'
        | 'the model looks'
        | 'the model asks'
        | 'the model asks twice'
        | 'the model asks for it'
        | 'approve'
        | 'deny'
        | 'decide to abort'
        | 'answer the last one again'
        | 'answer what was never asked'
        | 'the oldest beside ends';
    }>
  | Readonly<{ type: 'abort'; which: number }>;

type Label = string;
type End = 'completed' | 'failed' | 'aborted';
type Foreground = Readonly<{
  label: Label;
  does: 'sampling' | 'hanging' | 'asking';
  /** It is to complete as soon as it can. */
  isLast: boolean;
  /** Commands of the step that have not settled; the first one is asked for. */
  calls: readonly string[];
  /** What a person has denied in it. */
  denied: readonly string[];
}>;

/** A session as a caller sees it, at rest. */
export type CallerModel = Readonly<{
  seen: Seen;
  isClosed: boolean;
  /** Starts and inputs so far: each has a number of its own. */
  count: number;
  /** Every start that has a handle, in order. */
  handles: readonly Label[];
  foreground: Foreground | null;
  beside: readonly Label[];
  queue: readonly Readonly<{ label: Label; replaces: boolean }>[];
  /** Said, and taken by no task. */
  inputs: readonly Label[];
  commands: number;
  /** How the last request has ended; null when there was none. */
  lastRequest: 'already-resolved' | 'withdrawn' | null;
}>;

/** What is compared after each act. */
export type Seen = Readonly<{
  /** What the act was answered with. */
  reply: string;
  /** What the handles of starts have come to; those that have not are left out. */
  outcomes: Readonly<Record<Label, string>>;
  /** The committed events of each task, in order; those of a task that never began are none. */
  told: Readonly<Record<Label, readonly string[]>>;
  /** What is kept in the history; interruptions apart, because those of two tasks may come in any order. */
  history: readonly string[];
  interruptions: number;
  pending: readonly string[];
  waiting: readonly string[];
  /** How many requests the model has got. */
  requests: number;
}>;

const NOTHING: Seen = {
  reply: '',
  outcomes: {},
  told: {},
  history: [],
  interruptions: 0,
  pending: [],
  waiting: [],
  requests: 0,
};

export const NEW_CALLER: CallerModel = {
  seen: NOTHING,
  isClosed: false,
  count: 0,
  handles: [],
  foreground: null,
  beside: [],
  queue: [],
  inputs: [],
  commands: 0,
  lastRequest: null,
};

/** Whether an act is possible where the session stands: a model that was not asked says nothing. */
export function isPossible({ foreground, beside, handles, lastRequest }: CallerModel, { type }: Act): boolean {
  if (type.startsWith('the model')) return foreground?.does === 'sampling';
  if (type === 'approve' || type === 'deny' || type === 'decide to abort') return foreground?.does === 'asking';
  if (type === 'the oldest beside ends') return beside.length > 0;
  if (type === 'answer the last one again') return lastRequest !== null && foreground?.does !== 'asking';
  return type !== 'abort' || handles.length > 0;
}

/** What a session promises to its caller. */
export function afterAct(before: CallerModel, act: Act): CallerModel {
  const model = happened(replied(before, ''), act);
  const { foreground, beside } = model;
  const cause = foreground?.does === 'asking' ? 'decision' : 'model';
  const waiting = [...(foreground === null ? [] : [cause]), ...beside.map(() => 'work')].toSorted();
  const pending = foreground?.does === 'asking' ? foreground.calls.slice(0, 1) : [];
  return { ...model, seen: { ...model.seen, waiting, pending } };
}

function happened(model: CallerModel, act: Act): CallerModel {
  const { foreground } = model;
  switch (act.type) {
    case 'run':
      return starts(model, 'queue');
    case 'run in its place':
      return starts(model, 'replace');
    case 'run unless busy':
      return starts(model, 'reject');
    case 'start beside':
      return startsBeside(model);
    case 'steer':
      return steered(model);
    case 'cancel':
      return foreground === null ? model : { ...model, foreground: { ...foreground, isLast: true } };
    case 'abort what is in the foreground':
      return foreground === null ? model : aborted(model, foreground.label);
    case 'interrupt':
      return interrupted(model);
    case 'close':
      return closed(model);
    case 'abort':
      return aborted(model, model.handles[act.which % model.handles.length] ?? '');
    case 'the model answers':
      return answered(said(model, 'agent Yes.'));
    case 'the model says half and hangs':
      return inForeground(model, { does: 'hanging' });
    case 'the model fails':
      return ended(model, 'failed', 'failed model-error');
    case 'the model looks':
      return stepEnded(said(model, 'command ls completed'));
    case 'the model asks':
      return called(model, 1);
    case 'the model asks twice':
      return called(model, 2);
    case 'the model asks for it':
      return nextCall(inForeground(model, { calls: ['touch it'] }));
    case 'approve':
      return decided(model, 'completed');
    case 'deny':
      return decided(model, 'declined');
    case 'decide to abort':
      return abortedByDecision(model);
    case 'answer the last one again':
      return replied(model, model.lastRequest ?? '');
    case 'answer what was never asked':
      return replied(model, 'unknown-request');
    case 'the oldest beside ends': {
      const [label = '', ...beside] = model.beside;
      return outcome(told({ ...model, beside }, label, 'completed'), label, 'completed null');
    }
  }
}

const replied = (model: CallerModel, reply: string): CallerModel => ({ ...model, seen: { ...model.seen, reply } });
const said = (model: CallerModel, ...words: readonly string[]): CallerModel => ({
  ...model,
  seen: { ...model.seen, history: [...model.seen.history, ...words] },
});
const told = (model: CallerModel, label: Label, ...words: readonly string[]): CallerModel => ({
  ...model,
  seen: { ...model.seen, told: { ...model.seen.told, [label]: [...(model.seen.told[label] ?? []), ...words] } },
});
const outcome = (model: CallerModel, label: Label, what: string): CallerModel =>
  model.handles.includes(label)
    ? { ...model, seen: { ...model.seen, outcomes: { ...model.seen.outcomes, [label]: what } } }
    : model;
const inForeground = (model: CallerModel, more: Partial<Foreground>): CallerModel =>
  model.foreground === null ? model : { ...model, foreground: { ...model.foreground, ...more } };

function numbered(model: CallerModel): { label: Label; model: CallerModel } {
  const count = model.count + 1;
  return { label: `Do ${count}.`, model: { ...model, count } };
}

function starts(before: CallerModel, whenBusy: 'queue' | 'replace' | 'reject'): CallerModel {
  const { label, model: counted } = numbered(before);
  const model = { ...counted, handles: [...counted.handles, label] };
  if (model.isClosed) return outcome(replied(model, 'rejected closed'), label, 'failed closed');
  if (model.foreground === null) return begun(replied(model, 'started'), label);
  if (whenBusy === 'reject') return outcome(replied(model, 'rejected busy'), label, 'failed busy');
  const replaces = whenBusy === 'replace';
  const queued = replied({ ...model, queue: [...model.queue, { label, replaces }] }, 'queued');
  return replaces ? stopped(queued, 'replaced') : queued;
}

function startsBeside(before: CallerModel): CallerModel {
  const { label, model: counted } = numbered(before);
  const model = { ...counted, handles: [...counted.handles, label] };
  if (model.isClosed) return outcome(replied(model, 'rejected closed'), label, 'failed closed');
  return told(replied({ ...model, beside: [...model.beside, label] }, 'started'), label, 'started');
}

function steered(before: CallerModel): CallerModel {
  const { label, model } = numbered(before);
  if (model.isClosed) return replied(model, 'rejected closed');
  if (model.foreground === null) return begun(replied(model, 'started'), label);
  return replied({ ...model, inputs: [...model.inputs, label] }, 'steered');
}

/** It says its input, and whatever else was said, and asks the model; unless it is to make room for the next at once. */
function begun(before: CallerModel, label: Label): CallerModel {
  const foreground: Foreground = { label, does: 'sampling', isLast: false, calls: [], denied: [] };
  const model = said(told({ ...before, foreground }, label, 'started'), `user ${label}`);
  return model.queue[0]?.replaces ? stopped(inputsSaid(model), 'replaced') : stepBegun(model);
}

function inputsSaid(model: CallerModel): CallerModel {
  return said({ ...model, inputs: [] }, ...model.inputs.map((label) => `user ${label}`));
}

function stepBegun(before: CallerModel): CallerModel {
  const model = inForeground(inputsSaid(before), { does: 'sampling' });
  return { ...model, seen: { ...model.seen, requests: model.seen.requests + 1 } };
}

/** Calls have settled: the model is told, unless this was the last step. */
function stepEnded(model: CallerModel): CallerModel {
  return model.foreground?.isLast ? ended(model, 'completed', 'completed null') : stepBegun(model);
}

function answered(model: CallerModel): CallerModel {
  const isOver = model.foreground?.isLast || model.inputs.length === 0;
  return isOver ? ended(model, 'completed', 'completed Yes.') : stepBegun(model);
}

function called(before: CallerModel, count: number): CallerModel {
  const calls = Array.from({ length: count }, (_, at) => `touch f${before.commands + at}`);
  return nextCall(inForeground({ ...before, commands: before.commands + count }, { calls }));
}

/** One after the other; what was denied before is not asked again. */
function nextCall(model: CallerModel): CallerModel {
  const { foreground } = model;
  const [call, ...calls] = foreground?.calls ?? [];
  if (foreground === null || call === undefined) return stepEnded(model);
  const asking = told(model, foreground.label, `opened ${call}`);
  if (!foreground.denied.includes(call)) return inForeground(asking, { does: 'asking' });
  const refused = told(said(asking, `command ${call} declined`), foreground.label, 'resolved answered');
  return nextCall(inForeground({ ...refused, lastRequest: 'already-resolved' }, { calls }));
}

function decided(model: CallerModel, status: 'completed' | 'declined'): CallerModel {
  const { foreground } = model;
  const [call = '', ...calls] = foreground?.calls ?? [];
  if (foreground === null) return model;
  const denied = status === 'declined' ? [...foreground.denied, call] : foreground.denied;
  const settled = told(said(model, `command ${call} ${status}`), foreground.label, 'resolved answered');
  return nextCall(
    inForeground({ ...replied(settled, 'accepted'), lastRequest: 'already-resolved' }, { calls, denied }),
  );
}

function abortedByDecision(model: CallerModel): CallerModel {
  const { foreground } = model;
  if (foreground === null) return model;
  const [call = '', ...neverBegun] = foreground.calls;
  const words = [`command ${call} declined`, ...neverBegun.map(() => 'call shell aborted')];
  const settled = told(said(model, ...words), foreground.label, 'resolved answered');
  const left = inForeground({ ...replied(settled, 'accepted'), lastRequest: 'already-resolved' }, { does: 'sampling' });
  return stopped(left, 'interrupted');
}

/** The foreground task ends; what is queued goes on, or, where all went well, what was said and not taken. */
function ended(before: CallerModel, end: End, how: string): CallerModel {
  const label = before.foreground?.label ?? '';
  const model = outcome(told({ ...before, foreground: null }, label, end), label, how);
  const [next, ...queue] = model.queue;
  if (next !== undefined) return begun({ ...model, queue }, next.label);
  const [input, ...inputs] = model.inputs;
  return input === undefined || end !== 'completed' || model.isClosed ? model : begun({ ...model, inputs }, input);
}

/** The foreground task is aborted; what the model has said by then is kept, and what it asks is withdrawn. */
function stopped(before: CallerModel, reason: string): CallerModel {
  const { foreground } = before;
  if (foreground === null) return before;
  const { label, does, calls } = foreground;
  const isAsking = does === 'asking';
  let model = told(before, label, `aborting ${reason}`);
  if (isAsking) model = { ...told(model, label, 'resolved withdrawn'), lastRequest: 'withdrawn' };
  if (isAsking) model = said(model, `command ${calls[0]} aborted`, ...calls.slice(1).map(() => 'call shell aborted'));
  if (does === 'hanging') model = said(model, 'agent Ha (partial)');
  return ended(reason === 'replaced' ? model : cutShort(model), 'aborted', `aborted ${reason}`);
}

function cutShort(model: CallerModel): CallerModel {
  return { ...model, seen: { ...model.seen, interruptions: model.seen.interruptions + 1 } };
}

function besideStopped(before: CallerModel, label: Label, reason: string): CallerModel {
  const beside = before.beside.filter((one) => one !== label);
  const model = told({ ...before, beside }, label, `aborting ${reason}`, 'aborted');
  return outcome(cutShort(model), label, `aborted ${reason}`);
}

function aborted(model: CallerModel, label: Label): CallerModel {
  const isQueued = model.queue.some((one) => one.label === label);
  if (isQueued) {
    const queue = model.queue.filter((one) => one.label !== label);
    return outcome(replied({ ...model, queue }, 'not-running'), label, 'aborted interrupted');
  }
  if (model.foreground?.label === label) return replied(stopped(model, 'interrupted'), receiptOf(model.foreground));
  if (model.beside.includes(label)) return replied(besideStopped(model, label, 'interrupted'), 'aborted interrupted');
  return replied(model, 'not-running');
}

function receiptOf({ does }: Foreground): string {
  const withdrawn = does === 'asking' ? ', 1 withdrawn' : '';
  return `aborted interrupted${withdrawn}${does === 'hanging' ? ', said Ha' : ''}`;
}

function dropped(model: CallerModel, reason: string): CallerModel {
  const left: CallerModel = { ...model, queue: [] };
  return model.queue.reduce((less, { label }) => outcome(less, label, `aborted ${reason}`), left);
}

function allStopped(model: CallerModel, reason: string): CallerModel {
  const { beside } = model;
  return beside.reduce((left, label) => besideStopped(left, label, reason), stopped(dropped(model, reason), reason));
}

function interrupted(model: CallerModel): CallerModel {
  const { foreground, beside } = model;
  const isIdle = foreground === null && beside.length === 0;
  const reply = isIdle ? 'not-running' : foreground === null ? 'aborted interrupted' : receiptOf(foreground);
  return replied(allStopped(model, 'interrupted'), reply);
}

function closed(model: CallerModel): CallerModel {
  return replied(allStopped({ ...model, isClosed: true }, 'shutdown'), 'closed');
}

import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A machine as plain data: what it can be in and what moves it, in the order of its config. */
export type Chart = ChartState & Readonly<{ id: string }>;

/** One state. `path` names it from the machine down, with dots between the keys; the machine's own is empty. */
export type ChartState = Readonly<{
  key: string;
  path: string;
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  description: string | null;
  initial: string | null;
  tags: readonly string[];
  /** What a session that stands here waits for, when the state's `meta.waitsFor` says so. */
  waitsFor: string | null;
  invokes: readonly ChartInvoke[];
  entry: readonly string[];
  exit: readonly string[];
  transitions: readonly ChartTransition[];
  states: readonly ChartState[];
}>;

/** An actor that lives as long as the state; `src` is its name in the machine's table of actors. */
export type ChartInvoke = Readonly<{ id: string; src: string }>;

/** `event` is the type as XState delivers it, empty for `always`; without `targets` the state stays as it is. */
export type ChartTransition = Readonly<{
  event: string;
  targets: readonly string[];
  guard: string | null;
  actions: readonly string[];
}>;

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The chart of a machine. An inline implementation shows as `(inline)`; it never throws. */
export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, ...stateOf(machine.root) };
}

/**
 * The machine's config as Stately Studio imports it. Functions that only compute data (`context`, `input`, `output`,
 * `params`) are left out; throws, naming state and event, when an action, guard, actor or delay has no name.
 */
export function studioJson(machine: AnyStateMachine): Json {
  const start: Place = { state: machine.id, event: null, role: 'value', keysAre: 'properties', data: false };
  return jsonOf(machine.config, start) ?? {};
}

/** Keys of a config whose functions compute data and decide nothing. */
const DATA_KEYS = new Set(['context', 'input', 'output', 'params']);

/** What `setup` adds to a config for the type checker. */
const TYPE_KEYS = new Set(['schemas', 'types']);

const ROLES: Readonly<Record<string, string>> = {
  actions: 'action',
  entry: 'action',
  exit: 'action',
  guard: 'guard',
  src: 'actor',
  delay: 'delay',
};

/** Keys that stand for an event, with the words for it. */
const EVENTS: Readonly<Record<string, string>> = {
  entry: 'on entry',
  exit: 'on exit',
  always: 'on "always"',
  initial: 'on its initial transition',
  onDone: 'on "done"',
  onError: 'on "error"',
  onSnapshot: 'on "snapshot"',
};

/** Where in a config a value stands. */
type Place = Readonly<{
  state: string;
  event: string | null;
  role: string;
  keysAre: 'properties' | 'states' | 'events' | 'delays';
  data: boolean;
}>;

function stateOf(node: AnyStateNode): ChartState {
  const waitsFor: unknown = node.meta?.waitsFor;
  return {
    key: node.key,
    path: node.path.join('.'),
    type: node.type,
    description: node.description ?? null,
    initial: node.type === 'compound' ? (node.initial.target[0]?.key ?? null) : null,
    tags: node.tags,
    waitsFor: typeof waitsFor === 'string' ? waitsFor : null,
    invokes: node.invoke.map((invoke, index) => ({ id: invoke.id, src: actorName(node, index) })),
    entry: listOf(node.config.entry).map(nameOf), // The node's own list has XState's timers in it.
    exit: listOf(node.config.exit).map(nameOf),
    transitions: [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map((transition) => ({
      event: transition.eventType,
      targets: (transition.target ?? []).map((target) => target.path.join('.')),
      guard: transition.guard === undefined ? null : nameOf(transition.guard),
      actions: transition.actions.map(nameOf),
    })),
    states: Object.values(node.states).map(stateOf),
  };
}

function actorName(node: AnyStateNode, index: number): string {
  const invoke = listOf(node.config.invoke)[index];
  return isRecord(invoke) ? nameOf(invoke.src) : '(inline)';
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

function nameOf(implementation: unknown): string {
  if (typeof implementation === 'string') return implementation;
  if (isRecord(implementation) && typeof implementation.type === 'string') return implementation.type;
  return '(inline)';
}

function jsonOf(value: unknown, place: Place): Json | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'function') {
    if (place.data) return undefined;
    throw new Error(`${where(place)} is an inline function. ${REMEDY}`);
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (place.role === 'actor' && !place.data) throw new Error(`${where(place)} is inline logic. ${REMEDY}`);
  if (Array.isArray(value)) return value.flatMap((element) => jsonOf(element, place) ?? []);
  if (isPlain(value)) return recordJson(value, place);
  throw new Error(`${where(place)} is a value that JSON cannot hold: ${String(value)}.`);
}

function recordJson(record: Readonly<Record<string, unknown>>, place: Place): Json {
  const json: Record<string, Json> = {};
  for (const [key, value] of Object.entries(record)) {
    if (place.keysAre === 'properties' && TYPE_KEYS.has(key)) continue;
    const inner = jsonOf(value, inside(place, key));
    if (inner !== undefined) json[key] = inner;
  }
  return json;
}

function inside(place: Place, key: string): Place {
  if (place.data) return place;
  if (place.keysAre === 'states')
    return { ...place, state: `${place.state}.${key}`, event: null, keysAre: 'properties' };
  if (place.keysAre === 'events') return { ...place, event: `on "${key}"`, keysAre: 'properties' };
  if (place.keysAre === 'delays') return { ...place, event: `after "${key}"`, keysAre: 'properties' };
  if (key === 'states') return { ...place, keysAre: 'states' };
  if (key === 'on') return { ...place, keysAre: 'events' };
  if (key === 'after') return { ...place, keysAre: 'delays' };
  return {
    ...place,
    event: EVENTS[key] ?? place.event,
    role: ROLES[key] ?? place.role,
    data: DATA_KEYS.has(key),
  };
}

const REMEDY = 'Give it a name in setup({ actions, guards, actors, delays }) and use the name here.';

function where(place: Place): string {
  return `The ${place.role} in state "${place.state}"${place.event === null ? '' : ` ${place.event}`}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Functions count, because what `assign` and its like return is a function with a `type`. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

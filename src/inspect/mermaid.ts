import type { Chart, ChartInvoke, ChartState, ChartTransition } from './chart.ts';
import { eventWords } from './event-words.ts';

/**
 * The chart as Mermaid's `stateDiagram-v2`, as GitHub shows it. Mermaid moves a state into the box that mentions it
 * last, so an arrow over the border of a box ends at the box and its label names the state inside; what holds in all
 * states of a box, or leads from all of them to one, hangs on a dashed state called "in any state".
 */
export function mermaid(chart: Chart): string {
  const drawing: Drawing = { ids: idsOf(chart), types: new Map(), lines: new Map(), edges: new Map() };
  for (const state of withDescendants(chart)) drawing.types.set(state.path, state.type);
  for (const state of withDescendants(chart)) describe(drawing, state);
  const body = chart.type === 'parallel' ? box(drawing, chart) : inner(drawing, chart);
  return [
    '---',
    `title: ${JSON.stringify(chart.id)}`,
    '---',
    'stateDiagram-v2',
    ...(chart.description === null ? [] : [`  %% ${chart.description.replaceAll(/[\s{}]+/g, ' ').trim()}`]),
    ...indented([...body, ...throughoutStyle(drawing, chart)]),
    '',
  ].join('\n');
}

/** Mermaid draws two arrows between the same two states over each other, so their labels share one. */
type Edge = { from: string; to: string; labels: string[] };

type Drawing = {
  /** Mermaid's name for a state, by its path. */
  ids: ReadonlyMap<string, string>;
  types: Map<string, ChartState['type']>;
  /** What is written in a state, by its path. */
  lines: Map<string, string[]>;
  /** The arrows drawn in the box of a state, by its path. */
  edges: Map<string, Edge[]>;
};

function describe(drawing: Drawing, state: ChartState): void {
  const lines = [
    ...(state.waitsFor === null ? [] : [`waits for ${state.waitsFor}`]),
    ...state.invokes.map(({ src }) => `invokes ${src}`),
    ...(state.entry.length === 0 ? [] : [`entry / ${state.entry.join(', ')}`]),
    ...(state.exit.length === 0 ? [] : [`exit / ${state.exit.join(', ')}`]),
  ];
  drawing.lines.set(state.path, lines);
  for (const transition of state.transitions) {
    const edge = edgeOf(drawing, state, transition.targets);
    const remarks = edge?.remarks ?? transition.targets.map((target) => `→ ${keyOf(target)}`);
    const label = labelOf(transition, state.invokes, remarks);
    if (edge === null) lines.push(label);
    else addEdge(drawing, edge, label);
  }
}

/** Where an arrow is drawn and between which states; null when it cannot be drawn and must be written. */
function edgeOf(
  drawing: Drawing,
  state: ChartState,
  targets: readonly string[],
): { box: string; from: string; to: string; remarks: string[] } | null {
  const [target] = targets;
  if (target === undefined) return null;
  const toItself = target === state.path && target !== '';
  const box = toItself ? parentOf(target) : sharedAncestor([state.path, ...targets]);
  if (box === target || drawing.types.get(box) === 'parallel') return null;
  const fromAnyState = box === state.path;
  const from = fromAnyState ? state.path : childOn(box, state.path);
  const to = childOn(box, target);
  const remarks = [
    ...(from === state.path ? [] : [`(from ${state.key})`]),
    ...(to === target ? [] : [`→ ${targets.map(keyOf).join(', ')}`]),
  ];
  return { box, from: fromAnyState ? throughout(from) : from, to, remarks };
}

function addEdge(drawing: Drawing, { box, from, to }: { box: string; from: string; to: string }, label: string): void {
  const edges = drawing.edges.get(box) ?? [];
  drawing.edges.set(box, edges);
  const edge = edges.find((other) => other.from === from && other.to === to);
  if (edge === undefined) edges.push({ from, to, labels: [label] });
  else if (!edge.labels.includes(label)) edge.labels.push(label);
}

function box(drawing: Drawing, state: ChartState): string[] {
  const id = idOf(drawing, state.path);
  if (state.states.length > 0) {
    return [`state "${encoded(state.key)}" as ${id} {`, ...indented(inner(drawing, state)), '}'];
  }
  const text = state.type === 'history' ? `${state.key} (history)` : state.key;
  return [`state "${encoded(text)}" as ${id}`, ...written(drawing, state.path, id)];
}

/** What is in the box of a state: its own facts, its states, the arrows between them. */
function inner(drawing: Drawing, state: ChartState): string[] {
  const facts = throughoutBox(drawing, state);
  const states = state.states.map((child) => box(drawing, child));
  if (state.type === 'parallel') {
    const regions = facts.length === 0 ? states : [facts, ...states];
    return regions.flatMap((region, index) => (index === 0 ? region : ['--', ...region]));
  }
  const initial = state.states.find((child) => child.key === state.initial);
  return [
    ...facts,
    ...(initial === undefined ? [] : [`[*] --> ${idOf(drawing, initial.path)}`]),
    ...states.flat(),
    ...(drawing.edges.get(state.path) ?? []).map(
      ({ from, to, labels }) => `${idOf(drawing, from)} --> ${idOf(drawing, to)} : ${joined(labels)}`,
    ),
    ...state.states.flatMap((child) => (child.type === 'final' ? [`${idOf(drawing, child.path)} --> [*]`] : [])),
  ];
}

/** Long labels wrap, so that a mark must show where the next one begins. */
function joined(labels: readonly string[]): string {
  const marked = labels.length === 1 ? labels : labels.map((label) => `• ${label}`);
  return marked.map(encoded).join('<br/>');
}

function throughoutBox(drawing: Drawing, state: ChartState): string[] {
  if (!hasThroughout(drawing, state)) return [];
  const id = idOf(drawing, throughout(state.path));
  const name = state.path === '' ? 'in any state' : `${state.key}, in any state`;
  return [`state "${encoded(name)}" as ${id}`, ...written(drawing, state.path, id)];
}

function hasThroughout(drawing: Drawing, state: ChartState): boolean {
  if (state.states.length === 0) return false;
  const leaves = (drawing.edges.get(state.path) ?? []).some(({ from }) => from === throughout(state.path));
  return leaves || (drawing.lines.get(state.path) ?? []).length > 0;
}

/** Mermaid takes styles at the end and outside the boxes only. */
function throughoutStyle(drawing: Drawing, chart: Chart): string[] {
  const ids = withDescendants(chart)
    .filter((state) => hasThroughout(drawing, state))
    .map((state) => idOf(drawing, throughout(state.path)));
  return ids.length === 0 ? [] : ['classDef throughout stroke-dasharray: 4 4', `class ${ids.join(',')} throughout`];
}

function written(drawing: Drawing, path: string, id: string): string[] {
  return (drawing.lines.get(path) ?? []).map((line) => `${id} : ${encoded(line)}`);
}

function labelOf(
  { event, guard, targets, actions }: ChartTransition,
  invokes: readonly ChartInvoke[],
  remarks: readonly string[],
): string {
  return [
    eventWords(event, invokes),
    ...(guard === null ? [] : [`[${guard}]`]),
    ...remarks,
    ...(actions.length === 0 ? [] : [`/ ${actions.join(', ')}`]),
    ...(actions.length === 0 && targets.length === 0 ? ['(ignored)'] : []),
  ].join(' ');
}

/** Anything that Mermaid or Markdown could take for its own goes as a character reference. */
function encoded(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\p{L}\p{N} .,/()[\]→•-]/gu, (character) => `#${character.codePointAt(0)};`);
}

/** Words that Mermaid takes for its own where a state's name is expected, and keys that its plain objects come with. */
const RESERVED = [
  ...'as class classdef click default direction end fork hide href join note root scale state style'.split(' '),
  ...Object.getOwnPropertyNames(Object.prototype).map((name) => name.toLowerCase()),
];

function idsOf(chart: Chart): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const taken = new Set(RESERVED);
  const name = (path: string, wish: string): void => {
    let id = wish;
    for (let count = 2; taken.has(id.toLowerCase()); count += 1) id = `${wish}_${count}`;
    taken.add(id.toLowerCase());
    ids.set(path, id);
  };
  for (const state of withDescendants(chart)) {
    const plain = (state.path || chart.id).replaceAll(/\W+/g, '_');
    name(state.path, plain);
    name(throughout(state.path), `${plain}_any`);
  }
  return ids;
}

function idOf(drawing: Drawing, path: string): string {
  const id = drawing.ids.get(path);
  if (id === undefined) throw new Error(`Expected a path of the chart, got "${path}".`);
  return id;
}

/** The path, as it were, of the state that stands for all states in a box. No state has it: keys hold no spaces there. */
function throughout(path: string): string {
  return `${path} in any state`;
}

function withDescendants(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(withDescendants)];
}

function parentOf(path: string): string {
  return path.split('.').slice(0, -1).join('.');
}

function keyOf(path: string): string {
  return path === '' ? 'the machine' : (path.split('.').at(-1) ?? path);
}

function sharedAncestor(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => (path === '' ? [] : path.split('.')));
  let length = 0;
  while (length < first.length && others.every((other) => other[length] === first[length])) length += 1;
  return first.slice(0, length).join('.');
}

/** The state directly in `ancestor` that `path` is, or is in. */
function childOn(ancestor: string, path: string): string {
  const depth = ancestor === '' ? 0 : ancestor.split('.').length;
  return path
    .split('.')
    .slice(0, depth + 1)
    .join('.');
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

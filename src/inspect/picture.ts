import type { Chart, ChartState } from './chart.ts';
import { measured, wrapped } from './picture-text.ts';
import { transitionName } from './view/actor-view.ts';

/** A chart with places: all lengths in pixels, all coordinates from the upper left corner. */
export type Picture = Readonly<{
  width: number;
  height: number;
  states: readonly PictureState[];
  starts: readonly PicturePoint[];
  edges: readonly PictureEdge[];
}>;

export type PicturePoint = Readonly<{ x: number; y: number }>;
type Box = PicturePoint & Readonly<{ width: number; height: number }>;

export type PictureLine = Readonly<{ kind: 'title' | 'description' | 'invoke' | 'waits' | 'handles'; text: string }>;

/** A state; `path` is empty for the machine itself, and `depth` 0. */
export type PictureState = Box &
  Readonly<{ path: string; type: ChartState['type']; depth: number; lines: readonly PictureLine[] }>;

/** All transitions from one state to another, or the mark where a state begins (`source` null). */
export type PictureEdge = Readonly<{
  source: string | null;
  target: string;
  points: readonly PicturePoint[];
  label: Box | null;
  lines: readonly PictureLabel[];
}>;

/** One transition: its name in the chart, what starts it, and whatever else it does, for who wants to know. */
export type PictureLabel = Readonly<{ name: string; text: string; actions: readonly string[] }>;

/** As much of elkjs as is used: given a graph, it gives the same with places. */
export type Elk = Readonly<{ layout(graph: ElkNode): Promise<ElkNode> }>;

export type ElkNode = {
  id: string;
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  children?: ElkNode[];
  edges?: ElkEdge[];
  labels?: ElkNode[];
  layoutOptions?: Record<string, string>;
};
type ElkEdge = {
  id: string;
  sources: string[];
  targets: string[];
  labels?: (ElkNode & { text: string })[];
  sections?: { startPoint: PicturePoint; endPoint: PicturePoint; bendPoints?: PicturePoint[] }[];
};

export const LINE_PX = 16;
const PADDING_PX = 10;
const START_PX = 9;
const LABEL_MAX_CHARACTERS = 34;
const TEXT_MAX_CHARACTERS = 38;
/** How much wider bold text is. */
const BOLD = 1.08;

const LAYOUT = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',

  'elk.layered.spacing.nodeNodeBetweenLayers': '34',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.edgeLabels.inline': 'false',
};

/** Finds places for all states and transitions of a chart; the same chart is laid out the same each time. */
export async function layOut(chart: Chart, elk: Elk): Promise<Picture> {
  const states = new Map<string, { state: ChartState; depth: number; lines: readonly PictureLine[] }>();
  const joined = joinedTransitions(chart);
  const node = (state: ChartState, depth: number): ElkNode => {
    const lines = linesOf(state, depth === 0 ? chart.id : state.key);
    states.set(state.path, { state, depth, lines });
    const width = Math.max(...lines.map(({ text, kind }) => measured(text, kind === 'title'))) + 2 * PADDING_PX;
    const height = lines.length * LINE_PX + 2 * PADDING_PX - 4;
    if (state.states.length === 0) return { id: idOf(state.path), width, height };
    const starts = state.initial === null ? [] : [{ id: startOf(state.path), width: START_PX, height: START_PX }];
    return {
      id: idOf(state.path),
      children: [...starts, ...state.states.map((child) => node(child, depth + 1))],
      layoutOptions: {
        ...LAYOUT,
        'elk.padding': `[top=${height + 8},left=16,bottom=16,right=16]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width}, ${height})`,
      },
    };
  };
  const root = node(chart, 0);
  const graph: ElkNode = {
    id: 'picture',
    children: [root],
    edges: [...startEdges(chart), ...joined.map(edgeOf)],
    layoutOptions: { ...LAYOUT, 'elk.padding': '[top=4,left=4,bottom=4,right=4]' },
  };
  const laid = await elk.layout(graph);
  const boxes = boxesIn(laid);
  const shown = [...states].map(([path, { state, depth, lines }]): PictureState => {
    const box = boxes.get(idOf(path)) ?? NO_BOX;
    return { ...box, path, type: state.type, depth, lines };
  });
  const starts = [...boxes].flatMap(([id, box]) =>
    id.startsWith('start:') ? [{ x: box.x + START_PX / 2, y: box.y + START_PX / 2 }] : [],
  );
  const edges = (laid.edges ?? []).map((edge): PictureEdge => {
    const one = joined.find((candidate) => candidate.id === edge.id);
    const [label] = edge.labels ?? [];
    return {
      source: one?.source ?? null,
      target: one?.target ?? '',
      points: (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) =>
        [startPoint, ...bendPoints, endPoint].map(rounded),
      ),
      label: label === undefined ? null : boxOf(label),
      lines: one?.labels ?? [],
    };
  });
  return { width: Math.ceil(laid.width ?? 0), height: Math.ceil(laid.height ?? 0), states: shown, starts, edges };
}

const NO_BOX: Box = { x: 0, y: 0, width: 0, height: 0 };

const idOf = (path: string) => `state:${path}`;
const startOf = (path: string) => `start:${path}`;

function linesOf(state: ChartState, title: string): readonly PictureLine[] {
  const inside = state.transitions.filter(({ targets }) => targets.length === 0);
  const handled = [...new Set(inside.map(({ event }) => wordsFor(event)))];
  return [
    { kind: 'title', text: title },
    ...lines('description', state.description ?? ''),
    ...(state.waitsFor === null ? [] : lines('waits', `waits for ${state.waitsFor}`)),
    ...lines('invoke', state.invokes.map(({ src }) => src).join(', ')),
    ...lines('handles', handled.join(' · ')),
  ];
}

function lines(kind: PictureLine['kind'], text: string): readonly PictureLine[] {
  return wrapped(text, TEXT_MAX_CHARACTERS).map((line) => ({ kind, text: line }));
}

type Joined = Readonly<{ id: string; source: string; target: string; labels: readonly PictureLabel[] }>;

/** Transitions between the same two states are one edge with a line for each. */
function joinedTransitions(chart: Chart): readonly Joined[] {
  const found = new Map<string, { source: string; target: string; labels: PictureLabel[] }>();
  const visit = (state: ChartState): void => {
    state.transitions.forEach(({ event, targets, guard, actions }, index) => {
      for (const target of targets) {
        const key = `edge:${state.path}>${target}`;
        const one = found.get(key) ?? { source: state.path, target, labels: [] };
        found.set(key, one);
        const text = `${wordsFor(event)}${guard === null ? '' : ` [${guard}]`}`;
        one.labels.push({ name: transitionName(state.path, index), text, actions });
      }
    });
    state.states.forEach(visit);
  };
  visit(chart);
  return [...found].map(([id, one]) => ({ id, ...one }));
}

/** An event as people say it: of XState's own only what it is about. */
function wordsFor(event: string): string {
  if (event === '') return 'always';
  const done = /^xstate\.(done|error)\.(?:actor|state)\.(.*)$/.exec(event);
  if (done !== null) return `${done[1]}: ${done[2]}`;
  const after = /^xstate\.after\.([^.]*)\./.exec(event);
  return after === null ? event : `after ${after[1]}`;
}

function edgeOf({ id, source, target, labels }: Joined): ElkEdge {
  const texts = labels.flatMap(({ text }) => wrapped(text, LABEL_MAX_CHARACTERS));
  const width = Math.max(...texts.map((text) => measured(text, false))) * BOLD + 10;
  const label = { id: `label:${id}`, text: texts.join('\n'), width, height: texts.length * LINE_PX };
  return { id, sources: [idOf(source)], targets: [idOf(target)], labels: [label] };
}

function startEdges(state: ChartState): readonly ElkEdge[] {
  const own =
    state.initial === null
      ? []
      : [
          {
            id: `begin:${state.path}`,
            sources: [startOf(state.path)],
            targets: [idOf(state.path === '' ? state.initial : `${state.path}.${state.initial}`)],
          },
        ];
  return [...own, ...state.states.flatMap(startEdges)];
}

function boxesIn(node: ElkNode): ReadonlyMap<string, Box> {
  const below = (node.children ?? []).flatMap((child) => [[child.id, boxOf(child)] as const, ...boxesIn(child)]);
  return new Map(below);
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: ElkNode): Box {
  return { ...rounded({ x, y }), width: tenth(width), height: tenth(height) };
}

function rounded({ x, y }: PicturePoint): PicturePoint {
  return { x: tenth(x), y: tenth(y) };
}

function tenth(length: number): number {
  return Math.round(length * 10) / 10;
}

import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Chart, ChartState, ChartTransition } from './chart.ts';
import type { HeaderWidths } from './headers.ts';
import { type Block, type Line, stacked, stateLines, transitionLines } from './lines.ts';

/** A chart as elkjs lays it out, and what each of its nodes and edges stands for. */
export type Plan = Readonly<{
  chart: Chart;
  graph: ElkNode;
  states: readonly PlannedState[];
  initials: readonly Readonly<{ node: string; edge: string; state: string; target: string }>[];
  throughouts: readonly Readonly<{ node: string; state: string; block: Block }>[];
  edges: readonly PlannedEdge[];
}>;

export type PlannedState = Readonly<{
  node: string;
  state: ChartState;
  depth: number;
  region: boolean;
  block: Block;
}>;

export type PlannedEdge = Readonly<{
  edge: string;
  id: string;
  source: string;
  target: string;
  label: Block | null;
  transitions: readonly Readonly<{ id: string; event: string }>[];
}>;

export const INITIAL_RADIUS = 5;

/** The chart as a graph. Names of elkjs are numbers of ours, for those of a chart may be anything. */
export function graphOf(chart: Chart, widths: HeaderWidths): Plan {
  const pairs = pairsOf(chart);
  const planning: Planning = {
    widths,
    pairs,
    layered: layered(pairs.length),
    nodes: new Map(),
    targets: new Map(),
    states: [],
    initials: [],
    throughouts: [],
    edges: [],
    edgesHere: [],
    edgeCount: 0,
  };
  nameNodes(planning, chart);
  const root = nodeOf(planning, chart, { depth: 0, region: false });
  const { states, initials, throughouts, edges } = planning;
  const graph = {
    id: 'picture',
    layoutOptions: { ...planning.layered, ...OPTIONS },
    children: [root],
    edges: planning.edgesHere,
  };
  return { chart, graph, states, initials, throughouts, edges };
}

/** From which state a transition leads to which. */
type Pair = Readonly<{ source: string; target: string }>;

type Planning = {
  widths: HeaderWidths;
  pairs: readonly Pair[];
  layered: Readonly<Record<string, string>>;
  nodes: Map<ChartState, string>;
  /** The node of a state, by its path. */
  targets: Map<string, string>;
  states: PlannedState[];
  initials: { node: string; edge: string; state: string; target: string }[];
  throughouts: { node: string; state: string; block: Block }[];
  edges: PlannedEdge[];
  /** The edges of the layout that is being planned: all, or those of a region that has one of its own. */
  edgesHere: ElkExtendedEdge[];
  edgeCount: number;
};

const LABEL_WIDTH = 230;
const STATE_WIDTH = 250;
const BOX_WIDTH = 420;
const INSET = 20;

/** Edges and nodes in one layout, from the top to the bottom, whatever boxes they cross. */
const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelLabel': '6',
  'elk.spacing.labelNode': '8',
  'elk.spacing.nodeSelfLoop': '14',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '14',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.nodePlacement.favorStraightEdges': 'true',
};

/** Regions that no arrow enters or leaves, each laid out by itself, packed side by side and one below the other. */
const PACKED = {
  'elk.algorithm': 'rectpacking',
  'elk.rectpacking.packing.strategy': 'COMPACTION',
  'elk.rectpacking.packing.compaction.iterations': '5',
  'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
  'elk.aspectRatio': '1.4',
  'elk.spacing.nodeNode': '20',
};

const OPTIONS = {
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=12,left=12,bottom=12,right=12]',
};

/** More arrows than anybody follows with the eye: what matters then is that the picture is there within a second or two. */
const MANY_ARROWS = 150;

/** Which arrows point upwards: those that lead back to where a box began, where that can be found out in time. */
function layered(arrowCount: number): Readonly<Record<string, string>> {
  if (arrowCount <= MANY_ARROWS) return { ...LAYERED, 'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST' };
  return { ...LAYERED, 'elk.layered.cycleBreaking.strategy': 'GREEDY', 'elk.layered.thoroughness': '1' };
}

function nameNodes(planning: Planning, state: ChartState): void {
  const node = `state ${planning.nodes.size}`;
  planning.nodes.set(state, node);
  if (!planning.targets.has(state.path)) planning.targets.set(state.path, node);
  for (const child of state.states) nameNodes(planning, child);
}

function nodeOf(planning: Planning, state: ChartState, at: { depth: number; region: boolean }): ElkNode {
  const node = planning.nodes.get(state) as string; // Each state has one by now.
  const isBox = state.states.length > 0;
  const { arrows, written } = transitionsOf(planning, state);
  const header = planning.widths.get(state.path);
  const maxWidth = isBox ? (header?.text ?? BOX_WIDTH) : STATE_WIDTH;
  const block = stacked(stateLines(state, written, maxWidth), { x: 14, y: 9 });
  planning.states.push({ node, state, ...at, block });
  const marks = [...initialMark(planning, state), ...throughoutMark(planning, state, arrows)];
  for (const arrow of arrows) addEdge(planning, state, arrow);
  if (!isBox) return { id: node, width: Math.max(64, block.width), height: block.height };
  const packed = state.type === 'parallel' && hasClosedRegions(state, planning.pairs);
  const children = state.states.map((child) => {
    const inside = { depth: at.depth + 1, region: state.type === 'parallel' };
    return packed ? withOwnEdges(planning, () => nodeOf(planning, child, inside)) : nodeOf(planning, child, inside);
  });
  return {
    id: node,
    layoutOptions: {
      ...(packed ? PACKED : planning.layered),
      'elk.padding': `[top=${block.height + 10},left=${INSET},bottom=${INSET},right=${INSET}]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': minimumSize(
        { width: Math.max(block.width, header?.box ?? 0), height: block.height },
        { turned: !packed },
      ),
    },
    children: [...marks, ...children],
  };
}

/** A layout from the top to the bottom is one from the left that elkjs turns, and it forgets to turn this size. */
function minimumSize(
  { width, height }: Pick<Block, 'width' | 'height'>,
  { turned }: Readonly<{ turned: boolean }>,
): string {
  const size = [width, height + INSET];
  return `(${(turned ? size.reverse() : size).join()})`;
}

function withOwnEdges(planning: Planning, plan: () => ElkNode): ElkNode {
  const around = planning.edgesHere;
  const edges: ElkExtendedEdge[] = [];
  planning.edgesHere = edges;
  const node = plan();
  planning.edgesHere = around;
  return { ...node, edges };
}

function nextEdge(planning: Planning): string {
  planning.edgeCount += 1;
  return `edge ${planning.edgeCount}`;
}

/** Whether no transition leads into a region, out of one, or to one itself. */
function hasClosedRegions(state: ChartState, pairs: readonly Pair[]): boolean {
  const regions = state.states.map(({ path }) => path);
  return pairs.every(({ source, target }) =>
    regions.every((region) => {
      const leavesOrEnters = isIn(source, region) !== isIn(target, region);
      return !leavesOrEnters && target !== region;
    }),
  );
}

type Numbered = Readonly<{ id: string; transition: ChartTransition }>;

/** Transitions of a state that lead to the same state: one arrow. */
type Arrow = { id: string; target: string; from: string; to: string; labelled: boolean; transitions: Numbered[] };

/** What leads to states that the chart has is an arrow, what stays where it is stands in the state. */
function transitionsOf(planning: Planning, state: ChartState): { arrows: Arrow[]; written: Numbered[] } {
  const node = planning.nodes.get(state) as string; // Each state has one by now.
  const arrows = new Map<string, Arrow>();
  const written: Numbered[] = [];
  for (const [index, transition] of state.transitions.entries()) {
    const numbered = { id: `${state.path}#${index}`, transition };
    const targets = transition.targets.filter((target) => planning.targets.has(target));
    if (targets.length === 0) written.push(numbered);
    for (const [position, target] of targets.entries()) {
      const key = JSON.stringify([targets, position]);
      const arrow = arrows.get(key);
      if (arrow !== undefined) {
        arrow.transitions.push(numbered);
        continue;
      }
      const id = position === 0 ? numbered.id : `${numbered.id}+${position}`;
      const within = state.states.length > 0 && isBelow(target, state.path);
      const from = within ? throughoutOf(node) : node;
      const to = planning.targets.get(target) as string; // Targets are states.
      arrows.set(key, { id, target, from, to, labelled: position === 0, transitions: [numbered] });
    }
  }
  return { arrows: [...arrows.values()], written };
}

function addEdge(planning: Planning, state: ChartState, { id, target, from, to, labelled, transitions }: Arrow): void {
  const edge = nextEdge(planning);
  const lines = transitions.flatMap((numbered) =>
    transitionLines(numbered.transition, state.invokes, { id: numbered.id, maxWidth: LABEL_WIDTH }),
  );
  const label = labelled ? stacked(lines, { x: 7, y: 3 }) : null;
  planning.edges.push({
    edge,
    id,
    source: state.path,
    target,
    label,
    transitions: transitions.map((numbered) => ({ id: numbered.id, event: numbered.transition.event })),
  });
  const labels = label === null ? [] : [labelOf(label)];
  planning.edgesHere.push({ id: edge, sources: [from], targets: [to], labels });
}

function labelOf({ width, height }: Block): NonNullable<ElkExtendedEdge['labels']>[number] {
  return { text: 'label', width, height, layoutOptions: { 'elk.edgeLabels.inline': 'true' } };
}

function initialMark(planning: Planning, state: ChartState): ElkNode[] {
  const initial = state.states.find(({ key }) => key === state.initial);
  const to = initial === undefined ? undefined : planning.nodes.get(initial);
  if (initial === undefined || to === undefined) return [];
  const node = `initial of ${planning.nodes.get(state)}`;
  const edge = nextEdge(planning);
  planning.initials.push({ node, edge, state: state.path, target: initial.path });
  planning.edgesHere.push({ id: edge, sources: [node], targets: [to] });
  return [{ id: node, width: 2 * INITIAL_RADIUS, height: 2 * INITIAL_RADIUS }];
}

const IN_ANY_STATE: Line = { kind: 'transition', spans: [{ kind: 'word', text: 'in any state' }], transition: null };

function throughoutMark(planning: Planning, state: ChartState, arrows: readonly Arrow[]): ElkNode[] {
  const node = throughoutOf(planning.nodes.get(state) as string); // Each state has one by now.
  if (!arrows.some(({ from }) => from === node)) return [];
  const block = stacked([IN_ANY_STATE], { x: 10, y: 3 });
  planning.throughouts.push({ node, state: state.path, block });
  return [{ id: node, width: block.width, height: block.height }];
}

function throughoutOf(node: string): string {
  return `throughout ${node}`;
}

function pairsOf(state: ChartState): Pair[] {
  const own = state.transitions.flatMap(({ targets }) => targets.map((target) => ({ source: state.path, target })));
  return [...own, ...state.states.flatMap(pairsOf)];
}

function isIn(path: string, ancestor: string): boolean {
  return path === ancestor || isBelow(path, ancestor);
}

function isBelow(path: string, ancestor: string): boolean {
  return path !== ancestor && (ancestor === '' || path.startsWith(`${ancestor}.`));
}

import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import { INITIAL_RADIUS, type Plan } from './graph.ts';
import { type Block, type Box, moved, type Point } from './lines.ts';
import type { Picture, PictureEdge, PictureInitial, PictureState } from './picture.ts';

/** What is used of an instance of elkjs. */
export type Elk = Readonly<{ layout: (graph: ElkNode) => Promise<ElkNode> }>;

/** The picture of a chart, from its graph with places. */
export function pictured(plan: Plan, graph: ElkNode): Picture {
  const nodes = nodesOf(graph);
  const boxes = new Map(nodes.map((node): [string, Box] => [node.id, boxOf(node)]));
  const placed = new Map(
    nodes.flatMap(({ edges = [] }) => edges).map((edge): [string, ElkExtendedEdge] => [edge.id, edge]),
  );
  const { width, height } = boxOf(graph);
  return {
    id: plan.chart.id,
    description: plan.chart.description,
    width: Math.ceil(width),
    height: Math.ceil(height),
    states: plan.states.map(({ node, state, depth, region, block }): PictureState => {
      const box = boxFor(boxes, node);
      const { lines } = moved(block, box);
      const headerHeight = state.states.length === 0 ? box.height : block.height;
      return { ...box, path: state.path, type: state.type, title: state.key, depth, region, headerHeight, lines };
    }),
    initials: plan.initials.map(({ node, edge, state, target }): PictureInitial => {
      const { x, y } = boxFor(boxes, node);
      const center = { x: x + INITIAL_RADIUS, y: y + INITIAL_RADIUS };
      return { state, target, center, radius: INITIAL_RADIUS, points: pointsOf(placed.get(edge)) };
    }),
    throughouts: plan.throughouts.map(({ node, state, block }) => ({ ...moved(block, boxFor(boxes, node)), state })),
    edges: plan.edges.map(({ edge, id, source, target, label, transitions }): PictureEdge => {
      const found = placed.get(edge);
      return { id, source, target, points: pointsOf(found), label: labelAt(label, found), transitions };
    }),
  };
}

function nodesOf(node: ElkNode): ElkNode[] {
  return [node, ...(node.children ?? []).flatMap(nodesOf)];
}

function boxFor(boxes: ReadonlyMap<string, Box>, node: string): Box {
  const box = boxes.get(node);
  if (box === undefined) throw new Error(`Expected elkjs to place "${node}", got no place for it.`);
  return box;
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: ElkNode): Box {
  return { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) };
}

function pointsOf(edge: ElkExtendedEdge | undefined): Point[] {
  const points = (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
    startPoint,
    ...bendPoints,
    endPoint,
  ]);
  return points.map(({ x, y }) => ({ x: rounded(x), y: rounded(y) }));
}

function labelAt(label: Block | null, edge: ElkExtendedEdge | undefined): Block | null {
  const place = edge?.labels?.[0];
  if (label === null || place === undefined) return null;
  return moved(label, { x: rounded(place.x ?? 0), y: rounded(place.y ?? 0) });
}

/** Tenths of a pixel: nobody sees less, and no two machines compute it differently. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

import type { Chart, ChartState } from './chart.ts';
import { graphOf } from './graph.ts';
import { type HeaderWidth, withClearHeaders } from './headers.ts';
import type { Block, Point } from './lines.ts';
import { type Elk, pictured } from './pictured.ts';

/**
 * Where everything of a chart stands, in pixels from the top left, as plain JSON. Whoever draws it needs no chart and
 * measures nothing; states and transitions keep the names by which a running machine tells of them.
 */
export type Picture = Readonly<{
  /** The id of the machine. */
  id: string;
  description: string | null;
  width: number;
  height: number;
  /** Boxes come before what is in them, so that drawing in this order hides nothing. */
  states: readonly PictureState[];
  initials: readonly PictureInitial[];
  throughouts: readonly PictureThroughout[];
  edges: readonly PictureEdge[];
}>;

/** One state. The machine itself is the first, with an empty path; `depth` counts the boxes around it. */
export type PictureState = Block &
  Readonly<{
    path: string;
    type: ChartState['type'];
    title: string;
    depth: number;
    /** Whether it is a region of a parallel state. */
    region: boolean;
    /** Where the text ends and the states in it begin; the whole height for a state without any. */
    headerHeight: number;
  }>;

/** The dot in a box that shows where it begins, and the way from there. */
export type PictureInitial = Readonly<{
  state: string;
  target: string;
  center: Point;
  radius: number;
  points: readonly Point[];
}>;

/** What stands in a box for all states in it: where arrows begin that lead from any of them to one. */
export type PictureThroughout = Block & Readonly<{ state: string }>;

/**
 * An arrow: the transitions that lead from one state to another, one after the other in its label. `id` is the first
 * one's. A transition to several states has an arrow for each: the first has the label, the ids of the others end in
 * `+1`, `+2`.
 */
export type PictureEdge = Readonly<{
  id: string;
  source: string;
  target: string;
  /** The corners of a line that runs straight across or down; the last point is the tip. */
  points: readonly Point[];
  label: Block | null;
  transitions: readonly PictureTransition[];
}>;

/** `id` is the path of the source, `#` and the index among its transitions; `event` is the type as XState delivers it. */
export type PictureTransition = Readonly<{ id: string; event: string }>;

/**
 * Lays a chart out. Nothing overlaps, whatever the chart holds, and the same chart gives the same picture. What does
 * the work is handed in: an instance of elkjs, here or in a browser.
 */
export async function layOut(chart: Chart, elk: Elk): Promise<Picture> {
  const widths = new Map<string, HeaderWidth>();
  for (let attempt = 1; ; attempt += 1) {
    const plan = graphOf(chart, widths);
    const { picture, crowded } = withClearHeaders(pictured(plan, await elk.layout(plan.graph)));
    if (crowded.size === 0 || attempt === MAX_ATTEMPTS) return picture;
    for (const [path, width] of crowded) widths.set(path, width);
  }
}

/** Narrower text is higher, which moves what is below it and nothing beside it: the second attempt is the last as a rule. */
const MAX_ATTEMPTS = 4;

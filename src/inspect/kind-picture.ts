import { type Block, moved, type Point } from './lines.ts';
import type { Picture, PictureEdge } from './picture.ts';

/** Pictures of machines of which one invokes the others, in one. */
export type KindPicture = Readonly<{
  width: number;
  height: number;
  charts: readonly Picture[];
  /** From what is invoked to the chart that it is; the last point is at the border of that chart. */
  joins: readonly Readonly<{ src: string; points: readonly Point[] }>[];
}>;

const GAP = 44;

/**
 * The lifecycle of a kind with the chart of its work beside it, joined to the pill of what is invoked. Throws when the
 * lifecycle invokes nothing of that name.
 */
export function besideEachOther(
  lifecycle: Picture,
  { src, work }: Readonly<{ src: string; work: Picture }>,
): KindPicture {
  const pill = lifecycle.states[0]?.lines.find(({ kind, spans }) => kind === 'invoke' && spans[0]?.text === src);
  if (pill === undefined) throw new Error(`Expected "${lifecycle.id}" to invoke "${src}", got a chart that does not.`);
  const placed = translated(work, { x: lifecycle.width + GAP, y: 0 });
  const y = pill.y + pill.height / 2;
  const from = { x: pill.x + pill.width, y };
  const to = { x: placed.states[0]?.x ?? 0, y };
  return {
    width: lifecycle.width + GAP + work.width,
    height: Math.max(lifecycle.height, work.height),
    charts: [lifecycle, placed],
    joins: [{ src, points: [from, to] }],
  };
}

/** A picture with all that is in it moved. Its width and height are its own still. */
function translated(picture: Picture, by: Point): Picture {
  const point = ({ x, y }: Point): Point => ({ x: x + by.x, y: y + by.y });
  const points = (line: readonly Point[]): Point[] => line.map(point);
  const block = <Placed extends Block>(placed: Placed): Placed => ({ ...placed, ...moved(placed, by) });
  return {
    ...picture,
    states: picture.states.map(block),
    throughouts: picture.throughouts.map(block),
    initials: picture.initials.map((mark) => ({ ...mark, center: point(mark.center), points: points(mark.points) })),
    edges: picture.edges.map(
      (edge): PictureEdge => ({
        ...edge,
        points: points(edge.points),
        label: edge.label === null ? null : moved(edge.label, by),
      }),
    ),
  };
}

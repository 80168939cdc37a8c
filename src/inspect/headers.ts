import { type Block, moved, type Point } from './lines.ts';
import type { Picture, PictureState } from './picture.ts';

/** How wide the text of a box may be at most and the box must be at least, where arrows leave less room than usual. */
export type HeaderWidth = Readonly<{ text: number; box: number }>;

/** By the path of the state. */
export type HeaderWidths = ReadonlyMap<string, HeaderWidth>;

/**
 * Arrows that end in a box come in from above, where its text is. The picture with each such text moved to where
 * nothing crosses it; `crowded` names the boxes where it fits nowhere, with widths at which it would.
 */
export function withClearHeaders(picture: Picture): { picture: Picture; crowded: HeaderWidths } {
  const crowded = new Map<string, HeaderWidth>();
  const ways = [...picture.edges, ...picture.initials].map(({ points }) => points);
  const states = picture.states.map((state): PictureState => {
    if (state.headerHeight === state.height) return state;
    const gaps = gapsOf(state, ways);
    const width = Math.max(0, ...state.lines.map((line) => line.width));
    const gap = gaps.find(({ from, to }) => to - from >= width);
    if (gap === undefined) crowded.set(state.path, uncrowded(state, gaps));
    const x = gap === undefined ? 0 : gap.from - state.x - PADDING;
    return { ...state, lines: moved({ ...state }, { x, y: 0 }).lines };
  });
  return { picture: { ...picture, states }, crowded };
}

/** A box that is wider has its room on the right of what is in it. */
function uncrowded({ width }: PictureState, gaps: readonly Gap[]): HeaderWidth {
  const widest = Math.max(...gaps.map(({ from, to }) => to - from));
  return widest >= MIN_WIDTH ? { text: widest, box: width } : { text: MIN_WIDTH, box: width + MIN_WIDTH + 2 * MARGIN };
}

/** Narrower text is not read any more. */
const MIN_WIDTH = 150;

/** Between the border of a box and its text. */
const PADDING = 14;

/** Between an arrow and text beside it. */
const MARGIN = 8;

type Gap = Readonly<{ from: number; to: number }>;

/** Where in the head of a box there is nothing, from the left to the right. */
function gapsOf(box: Block & Readonly<{ headerHeight: number }>, ways: readonly (readonly Point[])[]): Gap[] {
  const top = box.y;
  const bottom = box.y + box.headerHeight;
  const crossings = ways.flatMap((points) =>
    points.slice(1).flatMap((to, index) => {
      const from = points[index] ?? to;
      const within = Math.max(from.y, to.y) > top + 1 && Math.min(from.y, to.y) < bottom - 1;
      const beside = to.x <= box.x || to.x >= box.x + box.width || from.x !== to.x;
      return within && !beside ? [to.x] : [];
    }),
  );
  const gaps: Gap[] = [];
  let from = box.x + PADDING;
  for (const crossing of crossings.sort((one, other) => one - other)) {
    gaps.push({ from, to: crossing - MARGIN });
    from = crossing + MARGIN;
  }
  return [...gaps, { from, to: box.x + box.width - PADDING }];
}

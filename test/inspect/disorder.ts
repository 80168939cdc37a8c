import type { Block, Box, Point } from '../../src/inspect/lines.ts';
import type { Picture, PictureState } from '../../src/inspect/picture.ts';

/** What of a picture covers something else, leaves its box or has no place; each a sentence. */
export function disorderOf(picture: Picture): string[] {
  const { states, edges, throughouts } = picture;
  const labels = edges.flatMap(({ id, label }) => (label === null ? [] : [{ ...label, name: `the label of ${id}` }]));
  const filled = [
    ...states.map((state) => ({ ...headerOf(state), name: `"${state.path}"` })),
    ...throughouts.map((block) => ({ ...block, name: `"any" in "${block.state}"` })),
    ...labels,
  ];
  const corners = [...edges, ...picture.initials.map((mark) => ({ ...mark, id: `the dot of "${mark.state}"` }))];
  return [
    ...pairsOf(filled).flatMap(([one, other]) => (meet(one, other) ? [`${one.name} covers ${other.name}`] : [])),
    ...states.flatMap((state) => nested(state, states)),
    ...filled.flatMap((box) => (isIn(box, picture) ? [] : [`${box.name} leaves the picture`])),
    ...[...states, ...throughouts, ...labels].flatMap(linesOutside),
    ...corners.flatMap(({ id, points }) => crooked(id, points)),
    ...edges.flatMap(({ id, points }) =>
      states.flatMap((state) =>
        covered(state).some((box) => cuts(points, box)) ? [`${id} runs through "${state.path}"`] : [],
      ),
    ),
  ];
}

type Named = Box & Readonly<{ name: string }>;

function headerOf(state: PictureState): Block {
  return { ...state, height: state.headerHeight };
}

/** What no arrow may cross: a state without states in it, and the text of one that has some. */
function covered(state: PictureState): readonly Box[] {
  return state.headerHeight === state.height ? [state] : state.lines;
}

function nested(state: PictureState, states: readonly PictureState[]): string[] {
  const around = states.filter(({ path }) => path !== state.path && (path === '' || state.path.startsWith(`${path}.`)));
  const parent = around.at(-1);
  if (state.path === '' || parent === undefined) return [];
  const inner = { ...parent, y: parent.y + parent.headerHeight, height: parent.height - parent.headerHeight };
  return isIn(state, inner) ? [] : [`"${state.path}" leaves "${parent.path}"`];
}

function linesOutside(block: Block): string[] {
  return block.lines.flatMap((line) =>
    isIn(line, block) ? [] : [`"${line.spans.map(({ text }) => text).join('')}" leaves its box`],
  );
}

function crooked(id: string, points: readonly Point[]): string[] {
  if (points.length < 2) return [`${id} goes nowhere`];
  const slanting = segmentsOf(points).some(
    ([from, to]) => Math.abs(from.x - to.x) > 0.11 && Math.abs(from.y - to.y) > 0.11,
  );
  return slanting ? [`${id} slants`] : [];
}

function cuts(points: readonly Point[], box: Box): boolean {
  return segmentsOf(points).some(([from, to]) =>
    meet(
      {
        x: Math.min(from.x, to.x),
        y: Math.min(from.y, to.y),
        width: Math.abs(from.x - to.x),
        height: Math.abs(from.y - to.y),
      },
      box,
    ),
  );
}

function segmentsOf(points: readonly Point[]): [Point, Point][] {
  return points.slice(1).map((to, index) => [points[index] ?? to, to]);
}

/** Half a pixel is the rounding and the edges of both. */
function meet(one: Box, other: Box): boolean {
  return (
    one.x + one.width > other.x + 0.5 &&
    other.x + other.width > one.x + 0.5 &&
    one.y + one.height > other.y + 0.5 &&
    other.y + other.height > one.y + 0.5
  );
}

function isIn(inner: Box, outer: Partial<Box> & Readonly<{ width: number; height: number }>): boolean {
  const { x = 0, y = 0, width, height } = outer;
  return (
    inner.x > x - 0.5 &&
    inner.y > y - 0.5 &&
    inner.x + inner.width < x + width + 0.5 &&
    inner.y + inner.height < y + height + 0.5
  );
}

function pairsOf(boxes: readonly Named[]): [Named, Named][] {
  return boxes.flatMap((one, index) => boxes.slice(index + 1).map((other): [Named, Named] => [one, other]));
}

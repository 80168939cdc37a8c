import type { PicturePoint } from './picture.ts';

/** How round the corners of a line are, in px. */
const RADIUS_PX = 6;

/** A line through points, as the data of an SVG path. */
export function linePath(points: readonly PicturePoint[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${at(point)}`;
      if (after === undefined) return `L${at(point)}`;
      return `L${at(towards(point, before))} Q${at(point)} ${at(towards(point, after))}`;
    })
    .join(' ');
}

/** The head of the arrow at the end of a line, likewise; empty for a line of no length. */
export function headPath(points: readonly PicturePoint[]): string {
  const [before, last] = points.slice(-2);
  if (before === undefined || last === undefined) return '';
  const { x, y } = last;
  const [dx, dy] = [Math.sign(x - before.x), Math.sign(y - before.y)];
  const side = (sign: number) => at({ x: x - 8 * dx + sign * 4 * dy, y: y - 8 * dy + sign * 4 * dx });
  return `M${at(last)} L${side(-1)} L${side(1)} Z`;
}

function towards(from: PicturePoint, to: PicturePoint): PicturePoint {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(RADIUS_PX, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function at({ x, y }: PicturePoint): string {
  return `${tenth(x)},${tenth(y)}`;
}

function tenth(length: number): number {
  return Math.round(length * 10) / 10;
}

import type { KindPicture } from './kind-picture.ts';
import { type Box, FONTS, type PlacedLine, type Point } from './lines.ts';
import type { Picture, PictureEdge, PictureInitial, PictureState, PictureThroughout } from './picture.ts';
import { type Font, legible, plain } from './typeset.ts';

/**
 * A picture as an SVG that stands alone: no script, no font and no file from elsewhere, the same bytes each time, in
 * the colours of the reader's scheme, with a title and a description for who does not see it.
 */
export function svg(picture: Picture, { title }: Readonly<{ title: string }>): string {
  return file(picture, { title, description: inWords(picture), content: contentOf(picture) });
}

/** A kind's lifecycle and work as one SVG, as `svg` makes it of one chart. */
export function kindSvg(picture: KindPicture, { title }: Readonly<{ title: string }>): string {
  const joins = picture.joins.map(({ points }) => `<path class="join" d="${roundedPath(points)}"/>`);
  const content = [...picture.charts.flatMap(contentOf), ...joins];
  return file(picture, { title, description: picture.charts.flatMap(inWords), content });
}

/**
 * The same without what makes it a file: for a page that has `STYLE` of its own, and lights what moves. States are named by
 * `data-state`, arrows and labels by `data-edge`, lines of labels by `data-transition`.
 */
export function drawing(picture: Picture): string {
  const { width, height } = picture;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${contentOf(picture).join('')}</svg>`;
}

function file(
  { width, height }: Readonly<{ width: number; height: number }>,
  {
    title,
    description,
    content,
  }: Readonly<{ title: string; description: readonly string[]; content: readonly string[] }>,
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(plain(title))}</title>`,
    `<desc id="description">${description.map(plain).map(escaped).join('\n')}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="card" width="${width}" height="${height}" rx="14"/>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

/** Labels come last, so that an arrow never runs over the words of another one. */
function contentOf({ states, initials, throughouts, edges }: Picture): string[] {
  return [
    ...states.map(stateSvg),
    ...throughouts.map(throughoutSvg),
    ...initials.map(initialSvg),
    ...edges.map(arrowSvg),
    ...edges.flatMap(labelSvg),
  ];
}

const RADIUS = 10;
const CORNER = 7;
const TIP = { length: 8, half: 4 };

function stateSvg(state: PictureState): string {
  const { type, region, path, lines } = state;
  const classes = ['state', type, ...(path === '' ? ['machine'] : []), ...(region ? ['region'] : [])];
  return [
    `<g class="${classes.join(' ')}" data-state="${escaped(path)}">`,
    rect(state, RADIUS),
    ...(type === 'final' ? [rect(shrunk(state, 3), RADIUS - 3)] : []),
    ...lines.map(lineSvg),
    '</g>',
  ].join('\n');
}

function throughoutSvg(block: PictureThroughout): string {
  return `<g class="any">${rect(block, block.height / 2)}${block.lines.map(lineSvg).join('')}</g>`;
}

function initialSvg({ center, radius, points }: PictureInitial): string {
  return `<g class="initial"><circle cx="${center.x}" cy="${center.y}" r="${radius}"/>${arrow(points)}</g>`;
}

function arrowSvg({ id, points }: PictureEdge): string {
  return `<g class="arrow" data-edge="${escaped(id)}">${arrow(points)}</g>`;
}

function labelSvg({ id, label }: PictureEdge): string[] {
  return label === null
    ? []
    : [`<g class="label" data-edge="${escaped(id)}">${rect(label, 5)}${label.lines.map(lineSvg).join('')}</g>`];
}

function lineSvg(line: PlacedLine): string {
  const spans = line.spans.map(({ kind, text }) => `<tspan class="${kind}">${escaped(text)}</tspan>`).join('');
  const name = line.transition === null ? '' : ` data-transition="${escaped(line.transition)}"`;
  const text = `<text class="${line.kind}"${name} x="${n(line.text.x)}" y="${n(line.text.y)}" xml:space="preserve">${spans}</text>`;
  return line.kind === 'invoke' ? `<g class="pill">${rect(line, line.height / 2)}${text}</g>` : text;
}

function rect({ x, y, width, height }: Box, radius: number): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(radius)}"/>`;
}

function shrunk({ x, y, width, height }: Box, by: number): Box {
  return { x: x + by, y: y + by, width: width - 2 * by, height: height - 2 * by };
}

/** A line with round corners that ends in a tip. */
function arrow(points: readonly Point[]): string {
  const [first] = points;
  const tip = points.at(-1);
  const before = points.at(-2);
  if (first === undefined || tip === undefined || before === undefined) return '';
  const towards = unit(before, tip);
  const base = { x: tip.x - towards.x * TIP.length, y: tip.y - towards.y * TIP.length };
  const side = { x: -towards.y * TIP.half, y: towards.x * TIP.half };
  const head = `M${at(tip)}L${n(base.x + side.x)} ${n(base.y + side.y)}L${n(base.x - side.x)} ${n(base.y - side.y)}Z`;
  return `<path class="line" d="${roundedPath([...points.slice(0, -1), base])}"/><path class="tip" d="${head}"/>`;
}

/** The way along the points, with its corners cut round where there is room. */
export function roundedPath(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${at(point)}`;
      if (after === undefined) return `L${at(point)}`;
      const radius = Math.min(CORNER, distance(before, point) / 2, distance(point, after) / 2);
      const back = unit(point, before);
      const on = unit(point, after);
      const start = { x: point.x + back.x * radius, y: point.y + back.y * radius };
      const end = { x: point.x + on.x * radius, y: point.y + on.y * radius };
      return `L${at(start)}Q${at(point)} ${at(end)}`;
    })
    .join('');
}

function distance(one: Point, other: Point): number {
  return Math.hypot(other.x - one.x, other.y - one.y);
}

function unit(from: Point, to: Point): Point {
  const length = distance(from, to) || 1;
  return { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}

function at({ x, y }: Point): string {
  return `${n(x)} ${n(y)}`;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Where the chart begins and what leads where, for those who listen. */
function inWords({ description, initials, edges }: Picture): string[] {
  const beginning = initials.map(({ state, target }) => `${state || 'The machine'} begins in ${target}.`);
  const ways = edges.map(({ source, target, label }) => {
    const events = (label?.lines ?? []).map(({ spans }) => spans.map(({ text }) => text).join('')).join(' ');
    return `${source || 'any state'} to ${target || 'the machine'}: ${events}`;
  });
  return [...(description === null ? [] : [description]), ...beginning, ...ways];
}

/** Text that ends nothing and that XML may hold. */
function escaped(text: string): string {
  return legible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const FAMILIES = {
  sans: `-apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif`,
  mono: `ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace`,
};

function faceOf([kind, font]: [string, Font]): string {
  return `.${kind}{font:${font.bold ? 600 : 400} ${font.size}px ${FAMILIES[font.family]}}`;
}

/** How a picture looks, in the scheme of the reader. */
export const STYLE = `
:root{--card:#fff;--ink:#1f2933;--quiet:#66727f;--line:#8a97a5;--edge:#d3dae2;--box:#f7f9fb;--deep:#fff;--leaf:#fff;--accent:#3557c9;--pill:#e9eefc;--label:#fff}
@media (prefers-color-scheme:dark){:root{--card:#0f141a;--ink:#e4e9ef;--quiet:#93a0ae;--line:#6d7a88;--edge:#303944;--box:#151b23;--deep:#10161d;--leaf:#1b232d;--accent:#8fa8ff;--pill:#1f2b4d;--label:#151b23}}
${Object.entries(FONTS).map(faceOf).join('\n')}
text{fill:var(--ink)}
.card{fill:var(--card)}
.state>rect{fill:var(--leaf);stroke:var(--edge);stroke-width:1.2}
.compound>rect,.parallel>rect{fill:var(--box)}
.region>rect{stroke-dasharray:5 4}
.final>rect{stroke:var(--line)}
.description,.waits,.entry,.exit,.tags,.word,.guard,.action{fill:var(--quiet)}
.label>rect{fill:var(--label)}
.any>rect{fill:none;stroke:var(--line);stroke-dasharray:4 3}
.pill>rect{fill:var(--pill)}
.pill text,.pill tspan{fill:var(--accent)}
.line{fill:none;stroke:var(--line);stroke-width:1.3}
.tip{fill:var(--line)}
.join{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-dasharray:2 4;stroke-linecap:round}
.initial circle{fill:var(--ink)}
`;

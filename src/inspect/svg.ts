import { LINE_PX, type Picture, type PictureEdge, type PictureState } from './picture.ts';
import { headPath, linePath } from './picture-paths.ts';
import { wrapped } from './picture-text.ts';

/** One chart in a drawing, and what is written above it. */
export type Drawn = Readonly<{ picture: Picture; caption: string }>;

export type SvgOptions = Readonly<{ title: string; description: string }>;

const MARGIN_PX = 24;
const GAP_PX = 48;
const CAPTION_PX = 30;
/** As wide as the labels of transitions are laid out. */
const LABEL_MAX_CHARACTERS = 34;

/**
 * Charts side by side as one SVG that stands alone: no script, no font and nothing else from elsewhere; light or dark as the reader
 * has it, on a background of its own. The same charts give the same text.
 */
export function svg(charts: readonly Drawn[], { title, description }: SvgOptions): string {
  const captionPx = charts.some(({ caption }) => caption !== '') ? CAPTION_PX : 0;
  const height = Math.max(...charts.map(({ picture }) => picture.height)) + 2 * MARGIN_PX + captionPx;
  let x = MARGIN_PX;
  const groups = charts.map(({ picture, caption }) => {
    const group = [
      `<g transform="translate(${x},${MARGIN_PX + captionPx})">`,
      ...(caption === '' ? [] : [`<text class="caption" x="4" y="-12">${escaped(caption)}</text>`]),
      ...picture.states.map((state) => stateBox(state, isParent(picture, state))),
      ...picture.edges.map(edgeLine),
      ...picture.states.map((state) => stateText(state, isParent(picture, state))),
      ...picture.starts.map((start) => `<circle class="start" cx="${start.x}" cy="${start.y}" r="4"/>`),
      '</g>',
    ].join('\n');
    x += picture.width + GAP_PX;
    return group;
  });
  const width = x - GAP_PX + MARGIN_PX;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${STYLE}</style>
<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="12"/>
${groups.join('\n')}
</svg>
`;
}

function isParent({ states }: Picture, { path, depth }: PictureState): boolean {
  return depth === 0 || states.some((other) => other.path.startsWith(`${path}.`));
}

function stateBox({ x, y, width, height, type }: PictureState, hasBelow: boolean): string {
  const classes = ['box', type, ...(hasBelow ? ['parent'] : [])].join(' ');
  const inner =
    type === 'final'
      ? `<rect class="inner" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="6"/>`
      : '';
  return `<rect class="${classes}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>${inner}`;
}

/** Over the lines, which begin at the border of what they lead out of and may cross its words. */
function stateText({ x, y, lines }: PictureState, hasBelow: boolean): string {
  const texts = lines.map(({ kind, text }, index) => {
    const shown = kind === 'invoke' ? `↳ ${text}` : text;
    return `<text class="${kind}${hasBelow ? ' over' : ''}" x="${x + 10}" y="${y + 20 + index * LINE_PX}">${escaped(shown)}</text>`;
  });
  return texts.join('');
}

function edgeLine({ points, label, lines }: PictureEdge): string {
  const tooltip = lines.map(({ text, actions }) => [text, ...actions].join(' / ')).join('\n');
  const texts = lines.flatMap(({ text }) => wrapped(text, LABEL_MAX_CHARACTERS));
  const words =
    label === null
      ? []
      : texts.map(
          (text, index) =>
            `<text class="label" x="${label.x + 3}" y="${label.y + 12 + index * LINE_PX}">${guardApart(text)}</text>`,
        );
  const name = tooltip === '' ? '' : `<title>${escaped(tooltip)}</title>`;
  return `<g>${name}<path class="edge" d="${linePath(points)}"/><path class="head" d="${headPath(points)}"/>${words.join('')}</g>`;
}

/** What must hold for a transition is said more quietly than what starts it. */
function guardApart(text: string): string {
  const at = text.indexOf('[');
  if (at === -1) return escaped(text);
  return `${escaped(text.slice(0, at))}<tspan class="guard">${escaped(text.slice(at))}</tspan>`;
}

/** Text as XML has it; what XML cannot hold is shown as U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
svg{--card:#fff;--line:#d3d9e3;--back:#f5f7fa;--ink:#1b1f27;--quiet:#5a6372;--accent:#3454d1;--waits:#a04a00;font:12px system-ui,-apple-system,"Segoe UI","Liberation Sans","DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){svg{--card:#1c1f26;--line:#3c4350;--back:#23272f;--ink:#e8ebf0;--quiet:#a3adbd;--accent:#8ea6ff;--waits:#ffb869}}
text{fill:var(--ink)}
.card{fill:var(--card);stroke:var(--line)}
.caption{font-size:15px;font-weight:700}
.box{fill:var(--card);stroke:var(--accent);stroke-width:1.4}
.box.parent{fill:var(--back);stroke:var(--line)}
.box.parallel{stroke-dasharray:6 4}
.over{paint-order:stroke;stroke:var(--back);stroke-width:4px;stroke-linejoin:round}
.inner{fill:none;stroke:var(--accent)}
.title{font-size:13px;font-weight:700}
.description,.handles{fill:var(--quiet)}
.waits{fill:var(--waits)}
.invoke{fill:var(--accent)}
.edge{fill:none;stroke:var(--quiet);stroke-width:1.2}
.head,.start{fill:var(--quiet)}
.label{font-weight:600}
.guard{font-weight:400;fill:var(--quiet)}
`;

import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { Chart } from '../chart.ts';
import { type Elk, LINE_PX, layOut, type Picture, type PictureEdge, type PictureState } from '../picture.ts';
import { headPath, linePath } from '../picture-paths.ts';
import { wrapped } from '../picture-text.ts';
import type { ActorView } from '../view/actor-view.ts';
import type { Page } from './page.ts';
import { clockOf } from './page-state.ts';
import { leavesOf } from './tree-nodes.ts';
import { duration, foreign } from './words.ts';

declare const ELK: new (options: { workerUrl: string }) => Elk; // Of elkjs, which the page loads as a script of its own.

let elk: Elk | null = null;
/** What was laid out, by chart; null while it is being laid out. */
const pictures = new WeakMap<Chart, Picture | 'coming' | 'failed'>();

/** The chart that an actor runs, with the states lit that it is in, and the transition that it took last. */
export function chart(page: Page, actor: ActorView | null): TemplateResult {
  if (actor === null) return html`<p class="empty">It has ended; nothing of it moves any more.</p>`;
  const work = workOf(page, actor);
  const shown = page.state.chartOf === 'work' && work !== null ? work : actor;
  const key = shown.chart;
  const found = key === null ? undefined : page.state.charts.get(key);
  return html`<div class="chart-head">
      <strong>${foreign(shown.path)}</strong>
      ${leavesOf(shown.active).map((path) => html`<span class="state">${foreign(path)}</span>`)}
      <span class="facts">for ${duration(clockOf(page.state) - shown.since)}${shown.last === null ? '' : `, by ${foreign(shown.last.event)}`}</span>
      <button class="zoom" aria-pressed=${page.state.isChartLarge} @click=${() => {
        page.state.isChartLarge = !page.state.isChartLarge;
        page.draw();
      }}>actual size</button>
      ${
        work === null
          ? nothing
          : html`<span role="group" aria-label="Which chart">${(['own', 'work'] as const).map(
              (which) =>
                html`<button aria-pressed=${page.state.chartOf === which} @click=${() => {
                  page.state.chartOf = which;
                  page.draw();
                }}>${which === 'own' ? 'lifecycle' : 'work'}</button>`,
            )}</span>`
      }
    </div>
    <div class=${page.state.isChartLarge ? 'chart large' : 'chart'} tabindex="0" role="group" aria-label=${`Chart of ${shown.path}, in ${leavesOf(shown.active).join(' and ')}`}>
      ${key === null ? html`<p class="empty">It has no chart: it is one piece of work.</p>` : found === undefined ? html`<p class="empty">Its chart is on the way…</p>` : drawn(page, found, shown)}
    </div>`;
}

/** The work of a task. */
function workOf(page: Page, actor: ActorView): ActorView | null {
  if (actor.taskId === null) return null;
  for (const one of page.state.actors.values())
    if (one.parent === actor.id && one.name === 'work' && one.chart !== null) return one;
  return null;
}

function drawn(page: Page, found: Chart, actor: ActorView): TemplateResult {
  const picture = pictures.get(found);
  if (picture === 'failed')
    return html`<p class="empty">The chart cannot be drawn. It is in ${leavesOf(actor.active).join(', ')}.</p>`;
  if (picture === undefined) {
    pictures.set(found, 'coming');
    elk ??= new ELK({ workerUrl: '/packages/elkjs/lib/elk-worker.min.js' });
    layOut(found, elk).then(
      (laid) => {
        pictures.set(found, laid);
        page.draw();
      },
      (error: unknown) => {
        console.error(error);
        pictures.set(found, 'failed');
        page.draw();
      },
    );
  }
  if (picture === undefined || picture === 'coming') return html`<p class="empty">Its chart is being drawn…</p>`;
  const active = new Set(['', ...actor.active]);
  const taken = new Set(actor.last?.transitions ?? []);
  return html`<svg viewBox=${`0 0 ${picture.width} ${picture.height}`} width=${picture.width} height=${picture.height} aria-hidden="true">
    ${picture.states.map((state) => stateBox(state, state.depth > 0 && active.has(state.path), isParent(picture, state)))}
    ${picture.starts.map(({ x, y }) => svg`<circle class="start" cx=${x} cy=${y} r="4" />`)}
    ${picture.edges.map((edge) =>
      edgeLine(
        edge,
        edge.lines.some(({ name }) => taken.has(name)),
        taken,
      ),
    )}
    ${picture.states.map((state) => stateText(state, isParent(picture, state)))}
  </svg>`;
}

function isParent({ states }: Picture, { path, depth }: PictureState): boolean {
  return depth === 0 || states.some((other) => other.path.startsWith(`${path}.`));
}

function stateBox(state: PictureState, isActive: boolean, hasBelow: boolean): unknown {
  const { x, y, width, height, path, type } = state;
  const classes = ['box', type, hasBelow ? 'parent' : '', isActive ? 'active' : ''].join(' ');
  return svg`<g><rect class=${classes} data-state=${path} x=${x} y=${y} width=${width} height=${height} rx="8" />
    ${type === 'final' ? svg`<rect class="inner" x=${x + 3} y=${y + 3} width=${width - 6} height=${height - 6} rx="6" />` : nothing}
  </g>`;
}

/** Over the lines, which may cross the words of what they lead out of. */
function stateText({ x, y, lines }: PictureState, hasBelow: boolean): unknown {
  return lines.map(
    ({ kind, text }, index) =>
      svg`<text class=${hasBelow ? `${kind} over` : kind} x=${x + 10} y=${y + 20 + index * LINE_PX}>${kind === 'invoke' ? `↳ ${foreign(text)}` : foreign(text)}</text>`,
  );
}

function edgeLine({ points, label, lines }: PictureEdge, isLast: boolean, taken: ReadonlySet<string>): unknown {
  const texts = lines.flatMap(({ name, text }) =>
    wrapped(text, 34).map((line) => ({ line, isTaken: taken.has(name) })),
  );
  return svg`<g class=${isLast ? 'last' : ''}>
    <title>${lines.map(({ text, actions }) => `${text}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`).join('\n')}</title>
    <path class="edge" d=${linePath(points)} /><path class="edge-head" d=${headPath(points)} />
    ${label === null ? nothing : texts.map(({ line, isTaken }, index) => svg`<text class=${`edge-label${isTaken ? ' taken' : ''}`} x=${label.x + 3} y=${label.y + 12 + index * LINE_PX}>${foreign(line)}</text>`)}
  </g>`;
}

import { html, nothing, type TemplateResult } from 'lit-html';
import type { Chart } from '../chart.ts';
import { layOut, type Picture } from '../picture.ts';
import { drawing, STYLE } from '../svg.ts';
import type { ActorView } from '../view/actor-view.ts';
import type { Page } from './page.ts';
import { clockOf } from './page-state.ts';
import { leavesOf } from './tree-nodes.ts';
import { duration, foreign } from './words.ts';

type Elk = Parameters<typeof layOut>[1];
declare const ELK: new (options: { workerUrl: string }) => Elk; // Of elkjs, which the page loads as a script of its own.

let elk: Elk | null = null;
/** What was drawn of each chart. */
const drawings = new WeakMap<Chart, Drawn | 'coming' | 'failed'>();

type Drawn = Readonly<{ picture: Picture; element: Element }>;

/** Pictures look as they do in files, but for what is lit. */
const sheet = new CSSStyleSheet();
sheet.replaceSync(`.chart { ${STYLE.replaceAll(':root', '&')} }`);
document.adoptedStyleSheets.push(sheet);

/** The chart that an actor runs, with the states lit that it is in, and the transition that it took last. */
export function chart(page: Page, actor: ActorView | null): TemplateResult {
  if (actor === null) return html`<p class="empty">It has ended; nothing of it moves any more.</p>`;
  const work = workOf(page, actor);
  const shown = page.state.chartOf === 'work' && work !== null ? work : actor;
  const found = shown.chart === null ? undefined : page.state.charts.get(shown.chart);
  return html`<div class="chart-head">
      <strong>${foreign(shown.path)}</strong>
      ${leavesOf(shown.active).map((path) => html`<span class="state">${foreign(path)}</span>`)}
      <span class="facts">for ${duration(clockOf(page.state) - shown.since)}${shown.last === null ? '' : `, by ${foreign(shown.last.event)}`}</span>
      <button
        class="zoom"
        aria-pressed=${page.state.isChartLarge}
        @click=${() => {
          page.state.isChartLarge = !page.state.isChartLarge;
          page.draw();
        }}
      >actual size</button>
      ${
        work === null
          ? nothing
          : html`<span role="group" aria-label="Which chart">${(['own', 'work'] as const).map(
              (which) => html`<button
                aria-pressed=${page.state.chartOf === which}
                @click=${() => {
                  page.state.chartOf = which;
                  page.draw();
                }}
              >${which === 'own' ? 'lifecycle' : 'work'}</button>`,
            )}</span>`
      }
    </div>
    <div
      class=${page.state.isChartLarge ? 'chart large' : 'chart'}
      tabindex="0"
      role="group"
      aria-label=${`Chart of ${shown.path}, in ${leavesOf(shown.active).join(' and ')}`}
    >${
      shown.chart === null
        ? html`<p class="empty">It has no chart: it is one piece of work.</p>`
        : found === undefined
          ? html`<p class="empty">Its chart is on the way…</p>`
          : drawn(page, found, shown)
    }</div>`;
}

/** The work of a task. */
function workOf(page: Page, actor: ActorView): ActorView | null {
  if (actor.taskId === null) return null;
  for (const one of page.state.actors.values())
    if (one.parent === actor.id && one.name === 'work' && one.chart !== null) return one;
  return null;
}

function drawn(page: Page, found: Chart, actor: ActorView): unknown {
  const known = drawings.get(found);
  if (known === 'failed')
    return html`<p class="empty">The chart cannot be drawn. It is in ${leavesOf(actor.active).join(', ')}.</p>`;
  if (known === undefined) draw(page, found);
  if (known === undefined || known === 'coming') return html`<p class="empty">Its chart is being drawn…</p>`;
  light(known, actor);
  return known.element;
}

function draw(page: Page, found: Chart): void {
  drawings.set(found, 'coming');
  elk ??= new ELK({ workerUrl: '/packages/elkjs/lib/elk-worker.min.js' });
  layOut(found, elk)
    .then(
      (picture) => {
        // A document of its own: what a chart is called becomes text, and nothing in it runs.
        const { documentElement } = new DOMParser().parseFromString(drawing(picture), 'image/svg+xml');
        drawings.set(found, { picture, element: document.importNode(documentElement, true) });
      },
      (error: unknown) => {
        console.error(error);
        drawings.set(found, 'failed');
      },
    )
    .finally(page.draw);
}

function light({ picture, element }: Drawn, { active, last }: ActorView): void {
  const states = new Set(active);
  const taken = new Set(last?.transitions ?? []);
  const edges = new Set(
    picture.edges.flatMap(({ id, transitions }) => (transitions.some((one) => taken.has(one.id)) ? [id] : [])),
  );
  mark(element, 'state', 'active', states);
  mark(element, 'edge', 'last', edges);
  mark(element, 'transition', 'taken', taken);
}

function mark(element: Element, name: string, className: string, wanted: ReadonlySet<string>): void {
  for (const one of element.querySelectorAll(`[data-${name}]`))
    one.classList.toggle(className, wanted.has(one.getAttribute(`data-${name}`) ?? ''));
}

import { html, nothing, svg, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { MessageView } from '../view/actor-view.ts';
import type { Page } from './page.ts';
import { clockTime, foreign, plural } from './words.ts';

/** How many messages the diagram draws, and between how many actors. */
const ROWS_MAX = 60;
const LANES_MAX = 9;
const ROW_PX = 24;
const HEAD_PX = 44;
const TIME_PX = 92;
const LANE_PX = 138;
/** What the list shows. */
const LIST_MAX = 300;

const OUTSIDE = 'outside';

/** The messages between actors: as a diagram of their lifelines, or as a list; both can be filtered. */
export function sequence(page: Page): TemplateResult {
  const { state } = page;
  const wanted = filtered(state.messages, state.filter);
  return html`<div class="bar">
      <label>Filter <input type="search" aria-label="Filter messages by actor or type" placeholder="actor or type, -without" .value=${state.filter}
        @input=${(event: InputEvent) => {
          state.filter = (event.target as HTMLInputElement).value; // The input of this label.
          page.draw();
        }} /></label>
      <span role="group" aria-label="How the messages are shown">
        ${(['diagram', 'list'] as const).map(
          (as) =>
            html`<button aria-pressed=${state.sequenceAs === as} @click=${() => {
              state.sequenceAs = as;
              page.draw();
            }}>${as}</button>`,
        )}
      </span>
      <span class="facts">${plural(wanted.length, 'message')}${state.skipped > 0 ? html`, <strong class="sampled">${state.skipped} more came too fast to be shown</strong>` : nothing}</span>
    </div>
    ${wanted.length === 0 ? html`<p class="empty">No message yet.</p>` : state.sequenceAs === 'diagram' ? diagram(page, wanted) : list(page, wanted)}
    ${opened(page)}`;
}

/** Words that a message must have, in its type or the paths; those with `-` it must not have. */
export function filtered(messages: readonly MessageView[], filter: string): readonly MessageView[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '-');
  if (words.length === 0) return messages;
  return messages.filter(({ from, to, type }) => {
    const text = `${from ?? OUTSIDE} ${to} ${type}`.toLowerCase();
    return words.every((word) => (word.startsWith('-') ? !text.includes(word.slice(1)) : text.includes(word)));
  });
}

function diagram(page: Page, messages: readonly MessageView[]): TemplateResult {
  const rows = messages.slice(-ROWS_MAX);
  const lanes = lanesOf(rows);
  const xOf = (name: string | null) => TIME_PX + LANE_PX * (lanes.indexOf(name ?? OUTSIDE) + 0.5);
  const drawn = rows.filter(({ from, to }) => lanes.includes(from ?? OUTSIDE) && lanes.includes(to));
  const width = TIME_PX + LANE_PX * lanes.length;
  const height = HEAD_PX + ROW_PX * drawn.length + 8;
  return html`<div class="diagram" tabindex="0" role="group" aria-label="Sequence of messages; the list has the same as text">
    <svg width=${width} height=${height} role="img" aria-label=${`The last ${drawn.length} messages between ${lanes.length} actors`}>
      ${lanes.map(
        (name) => svg`<g><title>${foreign(name)}</title>
          <line class="life" x1=${xOf(name)} x2=${xOf(name)} y1=${HEAD_PX} y2=${height} />
          <rect class="lane" x=${xOf(name) - LANE_PX / 2 + 6} y="6" width=${LANE_PX - 12} height=${HEAD_PX - 14} rx="6" />
          <text class="lane-name" x=${xOf(name)} y="27">${shortened(name, 19)}</text></g>`,
      )}
      ${repeat(
        drawn,
        ({ number }) => number,
        (message, index) => arrow(page, message, HEAD_PX + ROW_PX * (index + 0.5), xOf(message.from), xOf(message.to)),
      )}
    </svg>
  </div>`;
}

/** The actors of the newest messages, as many as there is room for; the outside first. */
function lanesOf(rows: readonly MessageView[]): readonly string[] {
  const names = new Set(rows.toReversed().flatMap(({ from, to }) => [from ?? OUTSIDE, to]));
  const kept = [...names].slice(0, LANES_MAX);
  return kept.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function rank(name: string): number {
  return name === OUTSIDE || name === 'people' ? 0 : name.split('/').length;
}

function arrow(page: Page, message: MessageView, y: number, from: number, to: number): TemplateResult {
  const isSelf = from === to;
  const middle = isSelf ? from + 20 : (from + to) / 2;
  const head = isSelf ? `M${from + 14},${y + 3} l-10,5` : `M${to},${y} l${to > from ? -7 : 7},-4 v8 z`;
  const line = isSelf ? `M${from},${y - 5} h14 v10 h-10` : `M${from},${y} H${to}`;
  return svg`<g class="message ${page.state.openMessage === message.number ? 'open' : ''}" @click=${() => open(page, message)}>
    <title>${foreign(`${message.from ?? OUTSIDE} → ${message.to}: ${message.type}`)}</title>
    <rect class="hit" x="0" y=${y - ROW_PX / 2} width="100%" height=${ROW_PX} />
    <text class="time" x="6" y=${y + 4}>${clockTime(message.at)}</text>
    <path class="line" d=${line} /><path class="head" d=${head} />
    <text class="type" x=${middle} y=${y - 4} text-anchor=${isSelf ? 'start' : 'middle'}>${shortened(message.type, 30)}</text>
  </g>` as unknown as TemplateResult; // Lit has a type of its own for what is inside of an SVG.
}

function list(page: Page, messages: readonly MessageView[]): TemplateResult {
  return html`<div class="list" tabindex="0" role="group" aria-label="Messages, the newest first"><table>
    <thead><tr><th>time</th><th>from</th><th>to</th><th>message</th></tr></thead>
    <tbody>${repeat(
      messages.slice(-LIST_MAX).toReversed(),
      ({ number }) => number,
      (message) => html`<tr>
        <td>${clockTime(message.at)}</td><td>${foreign(message.from ?? OUTSIDE)}</td><td>${foreign(message.to)}</td>
        <td><button class="link" @click=${() => open(page, message)}>${foreign(message.type)}</button></td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}

function opened(page: Page): TemplateResult | typeof nothing {
  const found = page.state.messages.find(({ number }) => number === page.state.openMessage);
  if (found === undefined) return nothing;
  return html`<aside class="opened" aria-label="The message"><header><strong>${foreign(found.type)}</strong>
    <span class="facts">${foreign(found.from ?? OUTSIDE)} → ${foreign(found.to)}</span>
    <button aria-label="Close the message" @click=${() => open(page, null)}>×</button></header>
    <pre>${foreign(found.detail ?? 'It carries nothing else.')}</pre></aside>`;
}

function open(page: Page, message: MessageView | null): void {
  page.state.openMessage = message === null || page.state.openMessage === message.number ? null : message.number;
  page.draw();
}

/** The end of a path tells more than its beginning. */
function shortened(text: string, most: number): string {
  const shown = foreign(text);
  return shown.length <= most ? shown : `…${shown.slice(1 - most)}`;
}

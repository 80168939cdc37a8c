import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { Mark, RecordingView } from '../view/wire.ts';
import type { Page } from './page.ts';
import { clockTime, foreign, plural } from './words.ts';

const SPEEDS = [0.5, 1, 2, 4, 16];
/** In a recording, waiting longer than this between two events is cut to it, in ms. */
const PAUSE_MAX_MS = 2_000;

/** The bar that goes through a recording: play, steps, marks, speed, and a fork from where it stands. */
export function travel(page: Page): TemplateResult | typeof nothing {
  const { hello, position, speed, isPlaying, selection } = page.state;
  const recording = hello?.recording;
  if (recording === null || recording === undefined || position === null) return nothing;
  const at = recording.times[Math.max(0, position - 1)];
  const nextMark = (what: Mark['what']) =>
    recording.marks.find((mark) => mark.what === what && mark.position > position);
  const lastMark = (what: Mark['what']) =>
    recording.marks.findLast((mark) => mark.what === what && mark.position < position);
  const jump = (words: string, mark: Mark | undefined) =>
    html`<button ?disabled=${mark === undefined} title=${mark === undefined ? '' : foreign(mark.text)} @click=${() => mark !== undefined && go(page, mark.position)}>${words}</button>`;
  const sessionId = selection.sessionId ?? recording.sessionId;
  return html`<section class="travel" aria-label="Time travel">
    <div class="bar">
      <button aria-label="To the beginning" @click=${() => go(page, 0)}>start</button>
      <button aria-label="One step back" ?disabled=${position === 0} @click=${() => go(page, position - 1)}>‹ step</button>
      <button class="primary" aria-label=${isPlaying ? 'Pause' : 'Play'} @click=${() => (isPlaying ? pause(page) : play(page, recording))}>${isPlaying ? 'pause' : 'play'}</button>
      <button aria-label="One step forward" ?disabled=${position === recording.length} @click=${() => go(page, position + 1)}>step ›</button>
      <button aria-label="To the end" @click=${() => go(page, recording.length)}>end</button>
      <label>speed <select @change=${(event: Event) => {
        page.state.speed = Number((event.target as HTMLSelectElement).value); // The select of this label.
        page.draw();
      }}>${SPEEDS.map((one) => html`<option value=${one} ?selected=${one === speed}>${one}×</option>`)}</select></label>
      ${jump('‹ request', lastMark('request'))}${jump('request ›', nextMark('request'))}
      ${jump('‹ error', lastMark('error'))}${jump('error ›', nextMark('error'))}
      ${jump('‹ message', lastMark('message'))}${jump('message ›', nextMark('message'))}
      <button @click=${() => page.wish({ do: 'fork', sessionId }, (reply) => (reply.ok ? { tone: 'good', title: 'Forked', lines: [`The new session is ${String(reply.value)}.`, `Go on with: troupe sessions resume ${String(reply.value)} PROMPT`] } : { tone: 'bad', title: 'It was not forked', lines: [reply.why] }))}>Fork here</button>
      <span class="facts" role="status">${position} of ${plural(recording.length, 'event')}${at === undefined ? '' : `, ${clockTime(at)}`}</span>
    </div>
    <div class="track">
      <input type="range" aria-label="Position in the recording" min="0" max=${recording.length} .value=${String(position)}
        @input=${(event: InputEvent) => go(page, Number((event.target as HTMLInputElement).value))} />
      <svg class="marks" viewBox=${`0 0 ${Math.max(1, recording.length)} 10`} preserveAspectRatio="none" aria-hidden="true">
        ${recording.marks.map((mark) => markLine(mark))}
      </svg>
    </div>
    ${recording.notes.map((note) => html`<p class="note">${foreign(note)}</p>`)}
  </section>`;
}

function markLine({ position, what }: Mark): unknown {
  return svg`<line class=${what} x1=${position} x2=${position} y1="0" y2="10" vector-effect="non-scaling-stroke" />`;
}

let timer: ReturnType<typeof setTimeout> | null = null;

/** Goes to a position; what was playing stops. */
export function go(page: Page, position: number): void {
  pause(page);
  void page.wish({ do: 'go', position });
}

function pause(page: Page): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  page.state.isPlaying = false;
  page.draw();
}

/** Goes on by itself, at the pace at which it happened, but with no pause that is long. */
function play(page: Page, recording: RecordingView): void {
  const { state } = page;
  state.isPlaying = true;
  const from = state.position === recording.length ? 0 : (state.position ?? 0);
  const step = async (position: number): Promise<void> => {
    if (!state.isPlaying) return;
    await page.wish({ do: 'go', position });
    if (!state.isPlaying) return;
    if (position >= recording.length) return pause(page);
    const { times } = recording;
    const waitMs = Math.min(PAUSE_MAX_MS, (times[position] ?? 0) - (times[position - 1] ?? times[position] ?? 0));
    timer = setTimeout(() => void step(position + 1), Math.max(0, waitMs) / state.speed);
  };
  void step(from + (from === state.position ? 1 : 0));
  page.draw();
}

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { chart } from './chart.ts';
import { type Connection, connect } from './connection.ts';
import { conversation } from './conversation.ts';
import { details, head } from './details.ts';
import type { Page } from './page.ts';
import { applyFrame, emptyState } from './page-state.ts';
import { requests } from './requests.ts';
import { sequence } from './sequence.ts';
import { travel } from './travel.ts';
import { keyOfSelection, tree } from './tree.ts';
import { actorOf, treeNodes } from './tree-nodes.ts';
import { clockTime, foreign, plural } from './words.ts';

/** How often ages are drawn anew when nothing else changes, in ms. */
const AGES_EVERY_MS = 1_000;

const state = emptyState();
let isDrawing = false;
let connection: Connection;
/** Which charts were asked for; each comes once. */
const askedCharts = new Set<string>();

const page: Page = {
  state,
  focusedKey: null,
  draw() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      drawNow();
    });
  },
  select(selection) {
    state.selection = selection;
    state.chartOf = 'own';
    lookAgain();
    page.draw();
  },
  fold(key, isFolded) {
    if (isFolded) state.folded.add(key);
    else state.folded.delete(key);
    page.draw();
  },
  focusNode(key) {
    page.focusedKey = key;
    drawNow();
    document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  },
  async wish(wish, toNotice) {
    const reply = await connection.wish(wish);
    const notice =
      toNotice?.(reply) ?? (reply.ok ? null : { tone: 'bad', title: 'That could not be done', lines: [reply.why] });
    if (notice !== null || wish.do !== 'go') state.notice = notice;
    page.draw();
    return reply;
  },
};

/** Tells the program what is looked at, and which charts are wanted. */
function lookAgain(): void {
  const { sessionId } = state.selection;
  const actorId = state.selection.actorId;
  const charts = [...new Set([...state.actors.values()].map((actor) => actor.chart))].filter(
    (key): key is string => key !== null && !askedCharts.has(key),
  );
  for (const key of charts) askedCharts.add(key);
  connection.look({ sessionId, actorId, charts });
}

connection = connect({
  onFrame(frame) {
    applyFrame(state, frame, Date.now());
    if (frame.isWhole) askedCharts.clear();
    const hasNewCharts = [...state.actors.values()].some(({ chart: key }) => key !== null && !askedCharts.has(key));
    const [first] = treeNodes(state);
    if (keyOfSelection(page) === null && first !== undefined) page.select(first.selection);
    else if (hasNewCharts || frame.isWhole) lookAgain();
    page.draw();
  },
  onState(connectionState, problem) {
    state.connection = connectionState;
    state.problem = problem;
    if (connectionState === 'open') askedCharts.clear();
    page.draw();
  },
});

function drawNow(): void {
  const started = performance.now();
  const messages = document.querySelector('.diagram');
  const isAtEnd = messages === null || messages.scrollHeight - messages.scrollTop - messages.clientHeight < AT_END_PX;
  render(view(), document.body);
  // Who has not gone back to look at something follows what comes.
  if (isAtEnd) document.querySelector('.diagram')?.scrollTo({ top: Number.MAX_SAFE_INTEGER });
  followActive();
  drawTimes.push(performance.now() - started);
  if (drawTimes.length > DRAW_TIMES_MAX) drawTimes.shift();
}

let followed: string | null = null;

/** Brings the state that an actor has come to into sight, once: where a person looks after that is theirs to say. */
function followActive(): void {
  const box = document.querySelector('.chart .state.active:not(.compound):not(.parallel)');
  const actor = actorOf(state, state.selection);
  const now = `${actor?.id} ${actor?.active.join()} ${state.chartOf} ${state.isChartLarge} ${box === null}`;
  if (now === followed) return;
  followed = now;
  box?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** As near to its end as this, the sequence of messages is followed. */
const AT_END_PX = 30;

/** How long the last drawings took, in ms: for who measures the page. */
const DRAW_TIMES_MAX = 600;
const drawTimes: number[] = [];
Object.assign(globalThis, { troupeDrawTimes: drawTimes });

function view(): TemplateResult {
  const { hello } = state;
  document.title = hello === null ? 'Troupe' : `${foreign(hello.title)} — Troupe`;
  if (state.connection === 'refused')
    return html`<main class="alone"><h1>Troupe</h1><p role="alert">${foreign(state.problem ?? 'The program has refused this page.')}</p></main>`;
  if (hello === null) return html`<main class="alone"><h1>Troupe</h1><p>Connecting…</p></main>`;
  if (hello.mode === 'library' && state.sessions.size === 0 && state.actors.size === 0) return library();
  const isTravelling = hello.mode === 'recording';
  return html`${header()}
    <div class=${isTravelling ? 'columns travelling' : 'columns'}>
      <nav class="panel" aria-label="Tree">
        <h2>Tree <label class="check"><input type="checkbox" .checked=${state.showsAllActors} @change=${(
          event: Event,
        ) => {
          state.showsAllActors = (event.target as HTMLInputElement).checked; // The box of this label.
          page.draw();
        }} /> all actors</label></h2>
        ${tree(page)}
      </nav>
      <main class="middle">
        <section class="panel chart-panel" aria-label="Chart">${chart(page, actorOf(state, state.selection))}</section>
        <section class="panel sequence-panel" aria-label="Messages"><h2>Messages</h2>${sequence(page)}</section>
      </main>
      <aside class="panel side" aria-label="What is looked at">
        ${head(page)} ${notice()} ${requests(page)} ${details(page)}
        <section aria-label="Conversation"><h2>Conversation</h2>${conversation(page)}</section>
      </aside>
    </div>
    ${travel(page)}`;
}

function header(): TemplateResult {
  const open = [...state.sessions.values()].reduce((total, { requests: own }) => total + own.length, 0);
  const words = {
    connecting: 'connecting…',
    open: state.hello?.mode === 'recording' ? 'recording' : 'live',
    lost: 'the program is gone; looking for it',
    refused: '',
  };
  return html`<header class="top">
    <h1>Troupe</h1> <span class="title">${foreign(state.hello?.title ?? '')}</span>
    <span class="state ${state.connection}" role="status">${words[state.connection]}</span>
    <span role="status" aria-live="polite">${open === 0 ? nothing : html`<span class="badge">${open}</span> ${plural(open, 'open request').replace(/^\d+ /, '')}`}</span>
    <span class="facts">${state.hello?.mode === 'recording' ? '' : clockTime(state.at)}</span>
  </header>`;
}

function notice(): TemplateResult | typeof nothing {
  if (state.notice === null) return nothing;
  const { tone, title, lines } = state.notice;
  return html`<section class="notice ${tone}" role="status" aria-label="What came of it">
    <header><strong>${foreign(title)}</strong><button aria-label="Close the notice" @click=${() => {
      state.notice = null;
      page.draw();
    }}>×</button></header>
    ${lines.map((line) => html`<div>${foreign(line)}</div>`)}
  </section>`;
}

/** What is shown as long as nothing runs: sessions to go through, and how a program connects. */
function library(): TemplateResult {
  const { library: listed = [], inspectorUrl } = state.hello ?? {};
  return html`<main class="alone">
    <h1>Troupe</h1>
    ${
      inspectorUrl === null || inspectorUrl === undefined
        ? nothing
        : html`<p>An XState program shows up here as soon as it connects:</p>
            <pre>createWebSocketInspector({ url: '${inspectorUrl}' })</pre>`
    }
    <h2>Sessions</h2>
    ${
      listed.length === 0
        ? html`<p class="empty">No session has a log here.</p>`
        : html`<ul class="library">${listed.map(
            ({
              sessionId,
              lastAt,
              cwd,
              said,
              isOpen,
            }) => html`<li><a href=${`/?session=${encodeURIComponent(sessionId)}`}>
              <strong>${foreign(said ?? sessionId)}</strong> <span class="facts">${lastAt ?? ''} ${foreign(cwd ?? '')} ${isOpen ? '(open)' : ''}</span></a></li>`,
          )}</ul>`
    }
  </main>`;
}

setInterval(() => page.draw(), AGES_EVERY_MS);

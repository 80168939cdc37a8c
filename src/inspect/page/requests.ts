import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { pathText } from '../../protocol/path.ts';
import type { Decision, RequestSubject, SessionRequest } from '../../protocol/requests.ts';
import type { Page } from './page.ts';
import { clockOf } from './page-state.ts';
import { clockTime, duration, foreign, foreignArgv } from './words.ts';

/** When each request was first seen here, in ms of the page. */
const seenAt = new Map<string, number>();
/** For so long after it has appeared, a request takes no click: that was meant for what was there before. */
const SETTLES_MS = 600;

/**
 * All requests that are open, of whatever session: who asks, and exactly what would happen. The program has made `reason` and
 * `shown` safe to show; what else there is of a request is foreign.
 */
export function requests(page: Page): TemplateResult | typeof nothing {
  const open = [...page.state.sessions.values()]
    .flatMap((session) => session.requests)
    .toSorted((a, b) => (a.time < b.time ? -1 : 1));
  for (const id of seenAt.keys()) if (!open.some((one) => one.id === id)) seenAt.delete(id);
  for (const { id } of open) {
    if (seenAt.has(id)) continue;
    seenAt.set(id, performance.now());
    setTimeout(page.draw, SETTLES_MS);
  }
  if (open.length === 0) return nothing;
  return html`<section class="requests" aria-label="Open requests">
    <h2>Open requests <span class="badge">${open.length}</span></h2>
    ${repeat(
      open,
      ({ id }) => id,
      (request) => card(page, request),
    )}
  </section>`;
}

function card(page: Page, request: SessionRequest): TemplateResult {
  const { subject, reason, count, path } = request;
  const whole = pathText(path);
  return html`<article class="request" data-request=${request.id} aria-label=${`Request of ${whole}`}>
    <header>
      <button class="path" @click=${() => page.select({ sessionId: request.sessionId, taskId: request.taskId ?? null, actorId: null })}>${foreign(whole)}</button>
      <span class="facts">for ${duration(clockOf(page.state) - Date.parse(request.time))}</span>
    </header>
    <h3>${titleOf(subject)}</h3>
    <dl>${detail(subject)}
      ${reason === undefined ? nothing : fact('reason', reason)}
      ${count === undefined ? nothing : fact('asked', `${count} times; one answer is for all of them`)}
      ${request.expiresAt === undefined ? nothing : fact('until', clockTime(Date.parse(request.expiresAt)))}
    </dl>
    ${page.state.hello?.mode === 'recording' ? nothing : html`<fieldset ?disabled=${performance.now() - (seenAt.get(request.id) ?? 0) < SETTLES_MS}>${choices(page, request)}</fieldset>`}
  </article>`;
}

function titleOf(subject: RequestSubject): string {
  switch (subject.kind) {
    case 'command':
      return subject.escalated ? 'May this command run outside the sandbox?' : 'May this command run?';
    case 'patch':
      return 'May these files be changed?';
    case 'question':
      return 'A question';
    case 'permissions':
      return 'May these permissions be given?';
    case 'elicitation':
      return `The server ${foreign(subject.server)} asks`;
    default:
      return subject satisfies never;
  }
}

function detail(subject: RequestSubject): unknown {
  switch (subject.kind) {
    case 'command':
      return html`${fact('runs', html`<pre class="runs">${foreignArgv(subject.argv)}</pre>`)}
        ${subject.shown.includes('\n') ? fact('as lines', html`<pre>${subject.shown}</pre>`) : nothing}
        ${fact('in', foreign(subject.cwd))} ${fact('sandbox', foreign(subject.sandbox))}`;
    case 'patch':
      return html`${fact(
        'files',
        subject.changes.map(({ path, kind }) => html`<div>${kind} ${foreign(path)}</div>`),
      )}
        ${subject.outsideWorkspace.length === 0 ? nothing : fact('outside the workspace', subject.outsideWorkspace.map(foreign).join(', '))}
        ${subject.changes.map(({ path, diff }) =>
          diff === undefined
            ? nothing
            : html`<dt class="sr">${foreign(path)}</dt><dd><pre class="diff">${diff.split('\n').map(diffLine)}</pre></dd>`,
        )}`;
    case 'question':
      return subject.questions.map(({ question }) => fact('question', foreign(question)));
    case 'permissions':
      return fact('wanted', html`<pre>${foreign(JSON.stringify(subject.permissions, null, 2))}</pre>`);
    case 'elicitation':
      return fact('message', foreign(subject.message));
    default:
      return subject satisfies never;
  }
}

function diffLine(line: string): TemplateResult {
  const tone = line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same';
  return html`<span class=${tone}>${foreign(line)}\n</span>`;
}

function fact(name: string, value: unknown): TemplateResult {
  return html`<dt>${name}</dt><dd>${value}</dd>`;
}

function choices(page: Page, { id, sessionId, subject, count }: SessionRequest): TemplateResult {
  const decide = (decision: Decision) => () =>
    page.wish({ do: 'answer', sessionId, requestId: id, decision }, (reply) =>
      reply.ok && reply.value === 'accepted'
        ? null
        : { tone: 'bad', title: 'The answer was not taken', lines: [reply.ok ? String(reply.value) : reply.why] },
    );
  const button = (words: string, decision: Decision, tone = '') =>
    html`<button class=${tone} @click=${decide(decision)}>${words}</button>`;
  if (subject.kind === 'question') return questions(page, id, sessionId, subject);
  if (subject.kind === 'elicitation')
    return html`<div class="choices">${button('Decline', { decision: 'decline' })}${button('Cancel', { decision: 'cancel' })}</div>`;
  if (subject.kind === 'permissions')
    return html`<div class="choices">
      ${button('Give for this task', { decision: 'granted', permissions: subject.permissions, scope: 'task' }, 'primary')}
      ${button('Give for the session', { decision: 'granted', permissions: subject.permissions, scope: 'session' })}
      ${button('Deny', 'denied')}${button('Stop the task', 'abort', 'danger')}
    </div>`;
  return html`<div class="choices">
    ${count === undefined ? button('Approve', 'approved', 'primary') : button(`Approve all ${count}`, { decision: 'approved', count }, 'primary')}
    ${button('Approve for the session', 'approved-for-session')}
    ${
      subject.kind === 'command' && subject.suggestedRule !== undefined
        ? button(`Always allow ${foreignArgv(subject.suggestedRule)} …`, {
            decision: 'approved-with-rule',
            rule: subject.suggestedRule,
          })
        : nothing
    }
    ${button('Deny', 'denied')}${button('Stop the task', 'abort', 'danger')}
  </div>`;
}

function questions(
  page: Page,
  requestId: string,
  sessionId: string,
  subject: Extract<RequestSubject, { kind: 'question' }>,
): TemplateResult {
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement); // The form below.
    const answers = Object.fromEntries(subject.questions.map(({ id }) => [id, String(form.get(id) ?? '')]));
    void page.wish({ do: 'answer', sessionId, requestId, decision: { decision: 'answered', answers } });
  };
  return html`<form class="choices" @submit=${send}>
    ${subject.questions.map(
      ({ id, question, options = [] }) => html`<label>
        <span>${foreign(question)}</span>
        ${
          options.length === 0
            ? html`<input name=${id} autocomplete="off" />`
            : html`<select name=${id}>${options.map((option) => html`<option value=${option}>${foreign(option)}</option>`)}</select>`
        }
      </label>`,
    )}
    <button class="primary">Answer</button>
    <button type="button" @click=${() => page.wish({ do: 'answer', sessionId, requestId, decision: 'denied' })}>Deny</button>
  </form>`;
}

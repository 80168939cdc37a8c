import { html, nothing, type TemplateResult } from 'lit-html';
import { pathText } from '../../protocol/path.ts';
import type { SessionView, TaskView } from '../view/tree-view.ts';
import type { Page } from './page.ts';
import { clockOf } from './page-state.ts';
import { receiptLines, receiptNotice } from './receipt.ts';
import { actorOf } from './tree-nodes.ts';
import { duration, foreign, plural, tokens } from './words.ts';

/** What is known of the node that is looked at, and why it waits. */
export function details(page: Page): TemplateResult {
  const { state } = page;
  const { sessionId, taskId, actorId } = state.selection;
  const session = sessionId === null ? undefined : state.sessions.get(sessionId);
  const task = session?.tasks.find((one) => one.taskId === taskId);
  const actor = actorId === null ? null : actorOf(state, state.selection);
  if (session === undefined && actor === null)
    return html`<p class="empty">Choose something in the tree at the left.</p>`;
  return html`${session === undefined || actor !== null ? nothing : task === undefined ? sessionFacts(page, session) : taskFacts(page, task)}
    ${session === undefined ? nothing : why(page, session, task)}
    ${actorId === null || state.context?.actorId !== actorId ? nothing : html`<details><summary>What it keeps</summary><pre>${foreign(state.context.text)}</pre></details>`}`;
}

/** What is looked at, and what can be done with it: above all that comes and goes, so that no button moves away from who wants it. */
export function head(page: Page): TemplateResult | typeof nothing {
  const { state } = page;
  const { sessionId, taskId, actorId } = state.selection;
  const session = sessionId === null ? undefined : state.sessions.get(sessionId);
  const task = session?.tasks.find((one) => one.taskId === taskId);
  const actor = actorId === null ? null : actorOf(state, state.selection);
  if (session === undefined && actor === null) return nothing;
  const title = actor?.path ?? [pathText(session?.path ?? []), ...(task === undefined ? [] : [task.kind])].join('/');
  return html`<h2 class="title">${foreign(title)}</h2>
    ${session === undefined || state.hello?.mode === 'recording' ? nothing : controls(page, session, task)}`;
}

function sessionFacts(page: Page, session: SessionView): TemplateResult {
  const { usage, budget, queued } = session;
  return html`<dl class="facts">
    ${fact('model', session.model)} ${fact('works in', session.cwd)}
    ${fact('tokens', `${tokens(usage.totalTokens)} (${tokens(usage.inputTokens)} in, ${tokens(usage.outputTokens)} out)`)}
    ${fact('budget', budget === null ? null : JSON.stringify(budget))}
    ${fact('open for', duration((session.isClosed ? session.lastAt : clockOf(page.state)) - session.openedAt))}
    ${fact('waits for its turn', queued === 0 ? null : plural(queued, 'message'))}
    ${fact('asks the model again', session.retrying === null ? null : `${session.retrying.attempt} of ${session.retrying.of}: ${session.retrying.message}`)}
    ${fact('degraded', session.degraded)} ${fact('last warning', session.warning)}
    ${fact('session', session.id)}
  </dl>`;
}

function taskFacts(page: Page, task: TaskView): TemplateResult {
  const ranFor = duration((task.endedAt ?? clockOf(page.state)) - task.startedAt);
  return html`<dl class="facts">
    ${fact('state', task.state)} ${fact('placement', task.placement)} ${fact('for', ranFor)}
    ${fact('step', task.step === null ? null : String(task.step.number))}
    ${fact('tokens', task.endedAt === null ? null : tokens(task.usage.totalTokens))}
    ${fact('reason', task.reason)} ${fact('error', task.error)}
    ${task.receipt === null ? nothing : html`<dt>receipt</dt><dd>${receiptLines(task.receipt).map((line) => html`<div>${foreign(line)}</div>`)}</dd>`}
    ${fact('task', task.taskId)}
  </dl>`;
}

function fact(name: string, value: string | null): TemplateResult | typeof nothing {
  return value === null ? nothing : html`<dt>${name}</dt><dd>${foreign(value)}</dd>`;
}

/** Why it waits, from it down to the leaf causes. */
function why({ state }: Page, session: SessionView, task: TaskView | undefined): TemplateResult | typeof nothing {
  if (state.waiting?.sessionId !== session.id) return nothing;
  const chain = state.waiting.chain.filter(
    ({ taskId, path }) => task === undefined || taskId === task.taskId || path.length > session.path.length,
  );
  const isOver = task !== undefined && task.endedAt !== null;
  return html`<section class="why" aria-label="Why it waits">
    <h3>Why is it waiting?</h3>
    ${
      chain.length === 0 || isOver
        ? html`<p class="empty">It waits for nothing.</p>`
        : html`<ol>${chain.map(
            ({
              path,
              cause,
              what,
              forMs,
            }) => html`<li class=${`depth-${Math.min(8, path.length - session.path.length)}`}>
              <span class="state">${cause}</span> ${foreign(what)} <span class="facts">in ${foreign(pathText(path))}, for ${duration(forMs)}</span>
            </li>`,
          )}</ol>`
    }
  </section>`;
}

function controls(page: Page, session: SessionView, task: TaskView | undefined): TemplateResult | typeof nothing {
  if (session.isClosed) return nothing;
  const sessionId = session.id;
  const isRunning = task === undefined ? session.tasks.some(({ endedAt }) => endedAt === null) : task.endedAt === null;
  const steer = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement; // The form below.
    const text = String(new FormData(form).get('text') ?? '').trim();
    if (text === '') return;
    form.reset();
    void page.wish({ do: 'steer', sessionId, text }, (reply) =>
      reply.ok
        ? { tone: 'good', title: `Said: ${dispositionOf(reply.value)}`, lines: [] }
        : { tone: 'bad', title: 'It was not said', lines: [reply.why] },
    );
  };
  return html`<section class="controls" aria-label="What can be done">
    <div class="choices">
      ${
        task === undefined
          ? html`<button class="danger" ?disabled=${!isRunning} @click=${() => page.wish({ do: 'interrupt', sessionId }, receiptNotice)}>Interrupt</button>`
          : html`<button class="danger" ?disabled=${!isRunning} @click=${() => page.wish({ do: 'abort', sessionId, taskId: task.taskId }, receiptNotice)}>Stop the task</button>
              <button ?disabled=${!isRunning} @click=${() => page.wish({ do: 'cancel', sessionId, taskId: task.taskId }, (reply) => (reply.ok ? { tone: 'good', title: 'It ends after this step', lines: [] } : { tone: 'bad', title: 'It was not told', lines: [reply.why] }))}>Finish this step, then end</button>`
      }
    </div>
    <form class="steer" @submit=${steer}>
      <label class="sr" for="steer">Say something to ${pathText(session.path)}</label>
      <input id="steer" name="text" autocomplete="off" placeholder="Say something to it" />
      <button>Say</button>
    </form>
  </section>`;
}

function dispositionOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'disposition' in value ? String(value.disposition) : 'taken';
}

import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { Item } from '../../protocol/items.ts';
import type { Page } from './page.ts';
import type { ShownItem } from './page-state.ts';
import { foreign, plural } from './words.ts';

/** How many lines of an output are shown unasked. */
const LINES_MAX = 12;

/** What was said and done in the session that is looked at. */
export function conversation(page: Page): TemplateResult {
  const { conversation: shown, selection } = page.state;
  if (selection.sessionId === null) return html`<p class="empty">Choose a session to read what is said in it.</p>`;
  if (shown === null || shown.sessionId !== selection.sessionId || shown.items.size === 0)
    return html`<p class="empty">Nothing was said in it yet.</p>`;
  const entries = [...shown.items].filter(
    ([, { taskId }]) => selection.taskId === null || taskId === null || taskId === selection.taskId,
  );
  return html`${shown.omitted === 0 ? nothing : html`<p class="empty">${plural(shown.omitted, 'older item')} not shown.</p>`}
    <ol class="conversation">
      ${repeat(
        entries,
        ([id]) => id,
        ([, one]) => html`<li class="item ${one.item.type}">${itemView(one)}</li>`,
      )}
    </ol>`;
}

function itemView(shown: ShownItem): TemplateResult {
  const { item, streamed, isOpen } = shown;
  const mark = isOpen
    ? html`<span class="state">…</span>`
    : item.partial
      ? html`<span class="state">cut short</span>`
      : nothing;
  switch (item.type) {
    case 'user_message':
      return html`<h3>user ${mark}</h3><p class="said">${foreign(item.text)}</p>`;
    case 'agent_message':
      return html`<h3>agent ${mark}</h3><p class="said">${foreign(item.text + streamed)}</p>`;
    case 'reasoning':
      return html`<h3>thinking ${mark}</h3><p class="said faint">${foreign(item.text + streamed)}</p>`;
    case 'command_execution':
      return html`<h3>command ${status(item)} ${mark}</h3><pre class="runs">${foreign(item.command)}</pre>${output(item.output + streamed)}`;
    case 'file_change':
      return html`<h3>patch ${status(item)} ${mark}</h3>
        ${item.changes.map(({ path, kind, movedTo }) => html`<div>${kind} ${foreign(path)}${movedTo === undefined ? '' : ` → ${foreign(movedTo)}`}</div>`)}
        ${item.message === undefined ? nothing : output(item.message)}`;
    case 'tool_call':
    case 'mcp_tool_call':
      return html`<h3>${foreign(item.type === 'tool_call' ? item.name : `${item.server}.${item.tool}`)} ${status(item)} ${mark}</h3>
        <pre class="runs">${foreign(textOf(item.arguments))}</pre>${output(item.output + streamed)}`;
    case 'todo_list':
      return html`<h3>plan ${status(item)}</h3><ul class="plan">${item.plan.map(({ step, status: how }) => html`<li class=${how}>${foreign(step)}</li>`)}</ul>`;
    case 'review':
      return html`<h3>review ${item.status} ${mark}</h3><p class="said">${foreign(item.hint)}</p>
        ${(item.output?.findings ?? []).map(({ title, file, lines }) => html`<div class="finding">${foreign(file)}:${lines.start} ${foreign(title)}</div>`)}`;
    case 'compaction':
      return html`<h3>history made shorter ${status(item)}</h3>${item.tokensBefore === undefined ? nothing : html`<p>${item.tokensBefore} → ${item.tokensAfter} tokens</p>`}`;
    case 'checkpoint':
      return html`<h3>checkpoint ${status(item)}</h3>`;
    case 'undo':
      return html`<h3>undo ${status(item)}</h3>${(item.paths ?? []).map((path) => html`<div>${foreign(path)}</div>`)}`;
    case 'sub_session':
      return html`<h3>sub-session ${foreign(item.agent ?? item.kind)} ${status(item)} ${mark}</h3>`;
    case 'interruption':
      return html`<h3>interrupted</h3><p class="said faint">${foreign(item.reason)}</p>`;
    case 'error':
      return html`<h3 class="bad">error</h3><p class="said">${foreign(`${item.code}: ${item.message}`)}</p>`;
    default:
      return item satisfies never;
  }
}

function status(item: Extract<Item, { status: string }>): TemplateResult {
  const code = item.type === 'command_execution' && item.exitCode !== null ? ` (${item.exitCode})` : '';
  return html`<span class="state ${item.status}">${item.status.replace('_', ' ')}${code}</span>`;
}

function output(text: string): TemplateResult | typeof nothing {
  if (text === '') return nothing;
  const lines = foreign(text).split('\n');
  if (lines.length <= LINES_MAX) return html`<pre>${lines.join('\n')}</pre>`;
  return html`<details><summary>${plural(lines.length, 'line')} of output, the last ${LINES_MAX} below</summary><pre>${lines.join('\n')}</pre></details>
    <pre>${lines.slice(-LINES_MAX).join('\n')}</pre>`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
}

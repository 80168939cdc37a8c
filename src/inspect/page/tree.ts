import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import type { Page } from './page.ts';
import { clockOf } from './page-state.ts';
import { type TreeNode, treeNodes } from './tree-nodes.ts';
import { duration, foreign, tokens } from './words.ts';

/** The tree at the left: arrows move in it, Enter selects. */
export function tree(page: Page): TemplateResult {
  const nodes = treeNodes(page.state);
  const visible = visibleOf(nodes, page.state.folded);
  const focused = visible.find(({ key }) => key === page.focusedKey) ?? visible[0];
  if (nodes.length === 0) return html`<p class="empty">Nothing runs here yet.</p>`;
  return html`<ul class="tree" role="tree" aria-label="Sessions and tasks" @keydown=${(event: KeyboardEvent) => onKey(event, page, visible)}>
    ${repeat(
      visible,
      ({ key }) => key,
      (one) => line(page, one, focused?.key),
    )}
  </ul>`;
}

/** One node. The lines are siblings: that they are a tree is said by their levels, so that each is read out by itself. */
function line(page: Page, { node, level }: Visible, focused: string | undefined): TemplateResult {
  const { state } = page;
  const isFolded = state.folded.has(node.key);
  const age = duration((node.until ?? clockOf(state)) - node.since);
  const used = node.tokens ? [`${tokens(node.tokens)} tokens`] : [];
  const usage = [...used, ...(node.budget === null ? [] : [node.budget])].join(' · ');
  return html`<li
    role="treeitem"
    aria-level=${level}
    aria-selected=${keyOfSelection(page) === node.key}
    aria-expanded=${node.below.length === 0 ? nothing : String(!isFolded)}
    tabindex=${node.key === focused ? 0 : -1}
    data-key=${node.key}
    data-path=${node.path}
    @click=${() => select(page, node)}
  >
    <div class="node ${node.tone}">
      <span
        class="fold"
        aria-hidden="true"
        @click=${(event: Event) => {
          event.stopPropagation();
          page.fold(node.key, !isFolded);
        }}
        >${node.below.length === 0 ? '' : isFolded ? '▸' : '▾'}</span
      >
      <span class="dot" aria-hidden="true"></span>
      <span class="name">${foreign(node.name)}</span>
      ${node.states.map((word) => html`<span class="state">${foreign(word)}</span>`)}
      ${node.open > 0 ? html`<span class="badge">${node.open}<span class="sr"> ${node.open === 1 ? 'open request' : 'open requests'}</span></span>` : nothing}
      <span class="facts">${age}</span>
    </div>
    ${usage === '' ? nothing : html`<div class="budget">${usage}</div>`}
  </li>`;
}

export function keyOfSelection({ state }: Page): string | null {
  const { sessionId, taskId, actorId } = state.selection;
  if (actorId !== null) return `actor:${actorId}`;
  if (taskId !== null) return `task:${taskId}`;
  return sessionId === null ? null : `session:${sessionId}`;
}

type Visible = Readonly<{ key: string; node: TreeNode; parent: string | null; level: number }>;

function visibleOf(
  nodes: readonly TreeNode[],
  folded: ReadonlySet<string>,
  parent: string | null = null,
  level = 1,
): readonly Visible[] {
  return nodes.flatMap((node) => [
    { key: node.key, node, parent, level },
    ...(folded.has(node.key) ? [] : visibleOf(node.below, folded, node.key, level + 1)),
  ]);
}

/** As the pattern for trees has it (https://www.w3.org/WAI/ARIA/apg/patterns/treeview/). */
function onKey(event: KeyboardEvent, page: Page, visible: readonly Visible[]): void {
  const at = Math.max(
    0,
    visible.findIndex(({ key }) => key === page.focusedKey),
  );
  const here = visible[at];
  if (here === undefined) return;
  const isFolded = page.state.folded.has(here.key);
  const hasBelow = here.node.below.length > 0;
  const moves: Readonly<Record<string, () => string | null | undefined>> = {
    ArrowDown: () => visible[at + 1]?.key,
    ArrowUp: () => visible[at - 1]?.key,
    Home: () => visible[0]?.key,
    End: () => visible.at(-1)?.key,
    ArrowRight: () => {
      if (hasBelow && isFolded) page.fold(here.key, false);
      else if (hasBelow) return visible[at + 1]?.key;
      return null;
    },
    ArrowLeft: () => {
      if (hasBelow && !isFolded) page.fold(here.key, true);
      else return here.parent;
      return null;
    },
    Enter: () => select(page, here.node),
    ' ': () => select(page, here.node),
  };
  const move = moves[event.key];
  if (move === undefined) return;
  event.preventDefault();
  const key = move();
  if (typeof key === 'string') page.focusNode(key);
}

function select(page: Page, node: TreeNode): null {
  page.focusedKey = node.key;
  page.select(node.selection);
  return null;
}

import { html, type TemplateResult } from 'lit-html';
import type { ActorView } from '../view/actor-view.ts';
import type { Page } from './page.ts';
import { foreign } from './words.ts';

export function chart(_page: Page, actor: ActorView | null): TemplateResult {
  return html`<pre>${foreign(JSON.stringify(actor, null, 1))}</pre>`;
}

import type { SessionEvent } from '../protocol/events.ts';
import { decisionWord, type Resolution } from '../protocol/requests.ts';
import type { TaskContext } from '../protocol/settings.ts';
import type { Usage } from '../protocol/usage.ts';
import { block, excerptLines, foreignLines, foreignName, type View } from './block.ts';
import { completedItemLines, startedItemLines } from './item-lines.ts';
import { receiptLines } from './receipt-lines.ts';
import { requestLines } from './request-lines.ts';
import { cellsOf } from './wrap.ts';

/** What a person reads of an event: lines, safe for a terminal; none where there is nothing to say. */
export function render(event: SessionEvent, view: View): readonly string[] {
  const below = event.path.slice(1);
  if (below.length === 0) return linesOf(event, view);
  const { paint } = view;
  const speaker = `${below.map(({ kind }) => foreignName(kind)).join(' › ')} ›`;
  const columns = () => {
    const all = paint.columns();
    return all === null ? null : all - [...speaker].reduce((sum, each) => sum + cellsOf(each), 1);
  };
  return linesOf(event, { ...view, paint: { ...paint, columns } }).map((line) => `${paint.faint(speaker)} ${line}`);
}

function linesOf(event: SessionEvent, view: View): readonly string[] {
  const { paint } = view;
  switch (event.type) {
    case 'session.opened':
      return block('session', [`${event.sessionId} opened`], paint, paint.strong);
    case 'session.closed':
      return block('session', ['closed'], paint, paint.strong);
    case 'session.degraded':
      return block(
        'warning',
        foreignLines(`The session goes on, but is not logged safely: ${event.reason}`),
        paint,
        paint.alert,
      );
    case 'task.started':
      return block('task', [`${event.kind} started`, paint.faint(settingsText(event.context))], paint, paint.strong);
    case 'task.aborting':
      return block('task', [`stopping (${event.reason})`], paint, paint.strong);
    case 'task.completed':
      return block('task', [`${paint.good('✓ completed')} · ${usageText(event.usage)}`], paint, paint.strong);
    case 'task.failed': {
      const [first = '', ...others] = foreignLines(event.error.message);
      return block(
        'task',
        [`${paint.bad(`✗ failed (${event.error.code})`)}: ${first}`, ...others],
        paint,
        paint.strong,
      );
    }
    case 'task.aborted': {
      const end = block(
        'task',
        [`${paint.bad('✗ aborted')} (${event.reason}) · ${usageText(event.usage)}`],
        paint,
        paint.strong,
      );
      return [...end, ...receiptLines(event.receipt, paint)];
    }
    case 'step.started':
      return block('step', [String(event.step)], paint);
    case 'item.started':
      return startedItemLines(event.item, view);
    case 'item.completed':
      return completedItemLines(event.item, view);
    case 'input.queued':
      return block('user', ['(said meanwhile; the model sees it at its next step)'], paint);
    case 'request.opened':
      return event.unshown === undefined ? requestLines(event.request, paint) : [];
    case 'request.shown':
      return requestLines(event.request, paint);
    case 'request.resolved':
      return block('decision', [resolutionText(event.resolution)], paint, paint.alert);
    case 'session.resumed':
      return block('session', ['opened again', ...event.damage.flatMap((words) => foreignLines(words))], paint);
    case 'warning.raised':
      return block('warning', foreignLines(event.message), paint, paint.alert);
    case 'stream.retrying': {
      const again = `The model is asked again in ${event.delayMs} ms (${event.attempt} of ${event.of}).`;
      return block('warning', [again, ...excerptLines(event.error.message)], paint, paint.alert);
    }
    case 'stream.lagged':
      return block('warning', [`${event.dropped} events were left out here.`], paint, paint.alert);
    case 'step.completed':
    case 'child.opened':
    case 'session.forked':
    case 'history.replaced':
    case 'usage.updated':
    case 'item.updated':
    case 'item.delta':
      return [];
    default:
      return event satisfies never;
  }
}

function settingsText({ model, effort, cwd, sandbox, approvalPolicy }: TaskContext): string {
  const thinking = effort === undefined ? '' : ` (${effort})`;
  return `model ${foreignName(model)}${thinking} · sandbox ${sandbox} · approvals ${approvalPolicy} · in ${foreignName(cwd)}`;
}

function usageText({ inputTokens, outputTokens, totalTokens, estimated }: Usage): string {
  return `${estimated ? 'about ' : ''}${totalTokens} tokens (${inputTokens} in, ${outputTokens} out)`;
}

function resolutionText(resolution: Resolution): string {
  switch (resolution.how) {
    case 'answered': {
      const { decision, by } = resolution;
      const words = typeof decision === 'object' && 'message' in decision ? decision.message : undefined;
      const message = words === undefined ? '' : `: ${excerptLines(words).join(' ')}`;
      const all = typeof decision === 'object' && 'all' in decision ? ', with all else that is asked there' : '';
      return `${decisionWord(decision)}${all}${message}${WHO[by]}`;
    }
    case 'withdrawn':
      return `withdrawn (${foreignName(resolution.why)})`;
    case 'expired':
      return 'expired: nobody decided in time';
    default:
      return resolution satisfies never;
  }
}

const WHO = { client: '', policy: ' (by the policy)', nobody: ' (nobody is there to ask)' } as const;

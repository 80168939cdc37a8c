import { isTerminal, type SessionEvent } from '../protocol/events.ts';
import type { Receipt } from '../protocol/outcomes.ts';
import { decisionWord } from '../protocol/requests.ts';

/**
 * What a run has come to, as names: a run in which something never happens says nothing of it, however often it is made. Watches
 * what a root tells, and gives the points that were reached.
 */
export function watchPoints(): Readonly<{ event(event: SessionEvent): void; reached(): ReadonlySet<string> }> {
  const reached = new Set<string>();
  const foreground = new Map<string, string>();
  const beside = new Set<string>();
  const open = new Map<string, string>();
  return {
    event(event) {
      const { sessionId, taskId = '', type, path } = event;
      for (const point of pointsOf(event)) reached.add(point);
      reached.add(`depth ${path.length}`);
      if (type === 'task.started' && event.placement === 'beside') {
        beside.add(taskId);
        if (foreground.has(sessionId)) reached.add('a task begins beside another');
      } else if (type === 'task.started') {
        foreground.set(sessionId, taskId);
        if (beside.size > 0) reached.add('a foreground task begins beside another');
      }
      if (type === 'task.aborting' && [...open.values()].includes(taskId)) reached.add('aborted while it asks');
      if (type === 'request.opened') {
        open.set(event.request.id, taskId);
        if (open.size > 1) reached.add('two requests are open');
        if (new Set(open.values()).size > 1) reached.add('two tasks ask at once');
        reached.add(`asked at depth ${path.length}`);
      }
      if (type === 'request.resolved') open.delete(event.requestId);
      if (isTerminal(event)) {
        if (foreground.get(sessionId) === taskId) foreground.delete(sessionId);
        beside.delete(taskId);
        if ([...foreground.keys()].some((other) => other !== sessionId))
          reached.add('a task ends while another session works');
      }
    },
    reached: () => reached,
  };
}

function pointsOf(event: SessionEvent): readonly string[] {
  switch (event.type) {
    case 'task.started':
      return [`${event.kind} starts`];
    case 'task.aborting':
      return [`aborting: ${event.reason}`];
    case 'task.completed':
      return [`${event.kind} completes`, ...(event.durable === false ? ['a terminal that is not durable'] : [])];
    case 'task.failed':
      return [`${event.kind} fails`, `failed: ${event.error.code}`];
    case 'task.aborted':
      return [`${event.kind} is aborted`, `aborted: ${event.reason}`, ...receiptPoints(event.receipt)];
    case 'item.completed': {
      const status = 'status' in event.item ? ` ${event.item.status}` : '';
      return [`${event.item.type}${status}`, ...(event.item.partial ? [`${event.item.type} is partial`] : [])];
    }
    case 'request.opened':
      return [
        `asked: ${event.request.subject.kind}`,
        ...(event.unshown === undefined ? [] : [`not shown: ${event.unshown.why}`]),
      ];
    case 'request.resolved': {
      const { resolution } = event;
      if (resolution.how !== 'answered') return [`request ${resolution.how}`];
      return [`decided: ${decisionWord(resolution.decision)}`, `decided by ${resolution.by}`];
    }
    case 'request.shown':
      return ['a request has its turn'];
    case 'warning.raised':
      return [`warning: ${event.code}`];
    case 'history.replaced':
      return [`history replaced: ${event.why}`];
    case 'step.completed':
      return [`a step with ${Math.min(event.calls, 3)} calls`];
    case 'step.started':
      return event.step > 1 ? ['a second step'] : [];
    default:
      return [event.type];
  }
}

function receiptPoints({
  phases,
  sessions,
  processes,
  unsettled,
  requests,
  queued,
  partial,
}: Receipt): readonly string[] {
  return [
    ...phases.map(({ phase }) => `an abort in ${phase}`),
    ...(sessions.length > 0 ? ['sub-sessions aborted with their parent'] : []),
    ...(sessions.length > 1 ? ['two sub-sessions aborted at once'] : []),
    ...(processes.killed > 0 ? ['processes killed'] : []),
    ...(unsettled > 0 ? ['work that did not settle'] : []),
    ...(requests.withdrawn.length > 0 ? ['requests withdrawn by an abort'] : []),
    ...(queued.kept > 0 ? ['inputs kept by an abort'] : []),
    ...(queued.dropped > 0 ? ['inputs dropped by an abort'] : []),
    ...(partial.text === '' ? [] : ['text kept by an abort']),
    ...(partial.outputs > 0 ? ['outputs kept by an abort'] : []),
  ];
}

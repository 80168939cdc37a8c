import { isTerminal, type SessionEvent } from '../../protocol/events.ts';
import type { ApprovalPolicy, SandboxMode, TaskContext } from '../../protocol/settings.ts';
import { isCall } from './calls.ts';
import type { Invariant } from './invariant.ts';

/** What holds between a session and those that its tasks open. */
export const SUB_SESSIONS: readonly Invariant[] = [
  {
    id: 'B20',
    promise: 'what is aborted because of the task that opened it is aborted with that: the task begins nothing more',
    watch() {
      // By the times: what was begun at that time may be told later, because something before it waits for the disk.
      const stopping = new Map<string, string>();
      return {
        event(event) {
          const { taskId = '', type } = event;
          if (isTerminal(event)) stopping.delete(taskId);
          if (type === 'task.aborting' && event.reason === 'parent-aborted') {
            const opener = openerOf(event);
            if (opener === undefined) return `${taskId} of the root is aborting because of a task above it`;
            if (!stopping.has(opener)) stopping.set(opener, event.time);
          }
          const begins =
            type === 'step.started' || type === 'child.opened' || (type === 'item.started' && isCall(event.item));
          const since = stopping.get(taskId);
          return begins && since !== undefined && event.time > since
            ? `${type} in ${taskId}, with which a sub-session was aborted`
            : null;
        },
      };
    },
  },
  {
    id: 'C25',
    promise: 'a sub-session opens after it was said that it will, and closes before the end of the task that opened it',
    watch() {
      const announced = new Set<string>();
      const open = new Map<string, string>();
      return {
        event(event) {
          const { sessionId, taskId, type } = event;
          if (type === 'child.opened') announced.add(event.childId);
          if (type === 'session.closed') open.delete(sessionId);
          if (type === 'session.opened') {
            const opener = openerOf(event);
            if (opener !== undefined) open.set(sessionId, opener);
            return event.path.length === 1 || announced.has(sessionId)
              ? null
              : `${sessionId} opens, and no task has said so`;
          }
          if (!isTerminal(event) || (type === 'task.aborted' && event.reason === 'crashed')) return null;
          const left = [...open].filter(([, opener]) => opener === taskId).map(([id]) => id);
          return left.length === 0 ? null : `${taskId} has ended while ${left.join(', ')} is open`;
        },
      };
    },
  },
  {
    id: 'G63',
    promise: 'a sub-session may do at most what the task may that opened it',
    watch() {
      const contexts = new Map<string, TaskContext>();
      return {
        event(event) {
          const { taskId = '', type } = event;
          if (type === 'task.started') contexts.set(taskId, event.context);
          if (isTerminal(event)) contexts.delete(taskId);
          if (type !== 'session.opened' || event.context === undefined) return null;
          const above = contexts.get(openerOf(event) ?? '');
          if (above === undefined) return null;
          const { sandbox, approvalPolicy } = event.context;
          if (WIDTHS.indexOf(sandbox) > WIDTHS.indexOf(above.sandbox))
            return `${event.sessionId} has the sandbox ${sandbox} below ${above.sandbox}`;
          return NO_WIDER[above.approvalPolicy].includes(approvalPolicy)
            ? null
            : `${event.sessionId} has the policy ${approvalPolicy} below ${above.approvalPolicy}`;
        },
      };
    },
  },
  {
    id: 'J92',
    promise: 'no session stands deeper than the root allows',
    watch() {
      let depthMax = Number.POSITIVE_INFINITY;
      return {
        event(event) {
          if (event.type !== 'session.opened') return null;
          const depth = event.path.length - 1;
          if (depth === 0) depthMax = event.limits.depthMax;
          return depth <= depthMax ? null : `${event.sessionId} is ${depth} below a root that allows ${depthMax}`;
        },
      };
    },
  },
];

/** From the narrowest to the widest. */
const WIDTHS: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];

/** What is no wider than a policy: `never` and `untrusted` are not to be compared. */
const NO_WIDER: Readonly<Record<ApprovalPolicy, readonly ApprovalPolicy[]>> = {
  'on-request': ['on-request', 'untrusted', 'never'],
  untrusted: ['untrusted'],
  never: ['never'],
};

/** The task that opened the session that says this. */
function openerOf({ path }: SessionEvent): string | undefined {
  return path.length > 1 ? path.at(-1)?.taskId : undefined;
}

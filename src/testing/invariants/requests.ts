import { isTerminal } from '../../protocol/events.ts';
import { type Decision, decisionWord, type SessionRequest } from '../../protocol/requests.ts';
import type { Invariant } from './invariant.ts';

/** What lets something happen that was asked for. */
const PERMITS: ReadonlySet<string> = new Set(['approved', 'approved-for-session', 'approved-with-rule', 'granted']);

/** What holds for requests and what they decide. */
export const REQUESTS: readonly Invariant[] = [
  {
    id: 'D34',
    promise: 'a request ends in the session and the task that asked',
    watch() {
      const owners = new Map<string, string>();
      return {
        event(event) {
          const owner = `${event.sessionId} ${event.taskId}`;
          if (event.type === 'request.opened') owners.set(event.request.id, owner);
          if (event.type !== 'request.resolved') return null;
          const asked = owners.get(event.requestId);
          return asked === undefined || asked === owner ? null : `${event.requestId} of ${asked} has ended in ${owner}`;
        },
      };
    },
  },
  {
    id: 'D36',
    promise: 'nobody approves by not answering',
    watch: () => ({
      event(event) {
        if (event.type !== 'request.resolved' || event.resolution.how !== 'answered') return null;
        const { by, decision } = event.resolution;
        return by === 'nobody' && decisionWord(decision) !== 'denied'
          ? `${event.requestId} was ${decisionWord(decision)} by nobody`
          : null;
      },
    }),
  },
  {
    id: 'D40',
    promise: 'where the policy is to ask never, nobody is asked to approve anything',
    watch() {
      const never = new Set<string>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'task.started' && event.context.approvalPolicy === 'never') never.add(taskId);
          if (isTerminal(event)) never.delete(taskId);
          return event.type === 'request.opened' && never.has(taskId) && isApproval(event.request)
            ? `${taskId} asks (${event.request.id}), and may not`
            : null;
        },
      };
    },
  },
  {
    id: 'D41',
    promise: 'a request says of itself where it comes from, as what tells of it does',
    watch: () => ({
      event(event) {
        if (event.type !== 'request.opened' && event.type !== 'request.shown') return null;
        const { sessionId, taskId, path, id } = event.request;
        const isSame =
          sessionId === event.sessionId &&
          taskId === event.taskId &&
          path.map((one) => one.sessionId).join() === event.path.map((one) => one.sessionId).join();
        return isSame ? null : `${id} says that it is of ${sessionId}, and comes from ${event.sessionId}`;
      },
    }),
  },
  {
    id: 'D43',
    promise: 'a command or a patch that was denied is not carried out',
    watch() {
      const calls = new Map<string, string>();
      const denied = new Set<string>();
      return {
        event(event) {
          const key = (callId: string) => `${event.sessionId} ${callId}`;
          if (event.type === 'request.opened' && event.request.callId !== undefined && isApproval(event.request)) {
            calls.set(event.request.id, key(event.request.callId));
            denied.delete(key(event.request.callId));
          }
          if (event.type === 'request.resolved') {
            const call = calls.get(event.requestId);
            const { resolution } = event;
            if (call !== undefined && !(resolution.how === 'answered' && permits(resolution.decision)))
              denied.add(call);
          }
          if (event.type !== 'item.completed') return null;
          const { item } = event;
          if (item.type !== 'command_execution' && item.type !== 'file_change') return null;
          return denied.delete(key(item.callId)) && item.status === 'completed'
            ? `the call ${item.callId} was denied, and is completed`
            : null;
        },
      };
    },
  },
];

function isApproval({ subject: { kind } }: SessionRequest): boolean {
  return kind === 'command' || kind === 'patch' || kind === 'permissions';
}

function permits(decision: Decision): boolean {
  return PERMITS.has(decisionWord(decision));
}

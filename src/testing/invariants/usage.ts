import { isTerminal } from '../../protocol/events.ts';
import type { Invariant } from './invariant.ts';

/** What holds for what is used. */
export const USAGE: readonly Invariant[] = [
  {
    id: 'J93',
    promise: 'what a sub-session uses is used by the task that opened it, and totals never fall',
    watch() {
      const totals = new Map<string, number>();
      const used = new Map<string, number>();
      return {
        event(event) {
          const { sessionId, taskId = '', type, path } = event;
          if (type === 'usage.updated') {
            const tokens = event.usage.totalTokens;
            const before = totals.get(sessionId) ?? 0;
            totals.set(sessionId, event.total.totalTokens);
            for (const id of [taskId, ...path.flatMap((segment) => segment.taskId ?? [])])
              used.set(id, (used.get(id) ?? 0) + tokens);
            if (event.total.totalTokens < before + tokens)
              return `${sessionId} has used ${event.total.totalTokens} tokens after ${before} and ${tokens} more`;
          }
          if (!isTerminal(event)) return null;
          const known = used.get(taskId) ?? 0;
          used.delete(taskId);
          return event.usage.totalTokens >= known
            ? null
            : `${taskId} has used ${event.usage.totalTokens} tokens, and was told of ${known}`;
        },
      };
    },
  },
];

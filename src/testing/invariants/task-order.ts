import { isTerminal, type SessionEvent } from '../../protocol/events.ts';
import type { AbortPhase } from '../../protocol/outcomes.ts';
import type { Invariant } from './invariant.ts';

/** The phases of an abort, in the order in which a task goes through them. */
const PHASES: readonly AbortPhase[] = ['aborting', 'settling', 'killing', 'cleanup'];

/** In which order a task goes through its states, and what it gives in the end. */
export const TASK_ORDER: readonly Invariant[] = [
  {
    id: 'A4',
    promise: 'a task that is aborting is aborted, through phases in their order',
    watch() {
      const aborting = new Set<string>();
      return {
        event(event) {
          const { taskId = '', type } = event;
          if (type === 'task.aborting') aborting.add(taskId);
          if (!isTerminal(event)) return null;
          if (aborting.delete(taskId) && type !== 'task.aborted')
            return `${taskId} was aborting, and ends with ${type}`;
          return type === 'task.aborted' ? phasesWrong(event) : null;
        },
      };
    },
  },
  {
    id: 'A12',
    promise:
      'what a task of steps gives as its answer is the last message of its model (or the last whole one), or nothing',
    watch() {
      // The last message, and the last that is whole: what a retry has made void is completed late, and says that it is partial.
      const messages = new Map<string, readonly [string | null, string | null]>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'step.started' && !messages.has(taskId)) messages.set(taskId, [null, null]);
          const known = messages.get(taskId);
          if (event.type === 'item.completed' && event.item.type === 'agent_message' && known !== undefined) {
            const { text, partial } = event.item;
            messages.set(taskId, [text, partial ? known[1] : text]);
          }
          if (!isTerminal(event)) return null;
          const last = messages.get(taskId);
          messages.delete(taskId);
          if (event.type !== 'task.completed' || last === undefined) return null;
          return event.answer === null || last.includes(event.answer)
            ? null
            : `${taskId} answers ${JSON.stringify(event.answer)}, and its last message is ${JSON.stringify(last[0])}`;
        },
      };
    },
  },
];

function phasesWrong(event: SessionEvent & { type: 'task.aborted' }): string | null {
  const passed = event.receipt.phases.map(({ phase }) => PHASES.indexOf(phase));
  return passed.every((phase, at) => at === 0 || phase > (passed[at - 1] ?? phase))
    ? null
    : `${event.taskId} went through ${event.receipt.phases.map(({ phase }) => phase).join(', ')}`;
}

import { isTerminal } from '../../protocol/events.ts';
import type { Invariant } from './invariant.ts';

/** What holds for the processes of commands. One of which a receipt says that it could not be killed is known to be left. */
export const PROCESSES: readonly Invariant[] = [
  {
    id: 'A10',
    promise: 'when no task runs, no process of one is alive',
    watch() {
      const running = new Set<string>();
      const alive = new Set<number>();
      let given = 0;
      // What is told of the next task waits until ends of others are on the disk, and its processes may run by then.
      let suspicion: string | null = null;
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'task.started') {
            suspicion = null;
            running.add(taskId);
          }
          if (event.type === 'session.closed' && event.path.length === 1) return suspicion;
          if (!isTerminal(event)) return null;
          running.delete(taskId);
          if (event.type === 'task.aborted') given += event.receipt.processes.survivors;
          if (running.size === 0 && alive.size > given)
            suspicion = `${taskId} has ended as the last task, and ${[...alive].join(', ')} is alive`;
          return null;
        },
        end: () => suspicion,
        process({ pid, change }) {
          note(alive, pid, change);
          if (alive.size <= given) suspicion = null;
          return null;
        },
      };
    },
  },
  {
    id: 'F61',
    promise: 'no process starts once its session tree has closed, and none is left then',
    watch() {
      const alive = new Set<number>();
      let isClosed = false;
      let given = 0;
      return {
        event(event) {
          if (event.type === 'task.aborted') given += event.receipt.processes.survivors;
          if (event.type !== 'session.closed' || event.path.length > 1) return null;
          isClosed = true;
          return alive.size <= given ? null : `the root has closed, and ${[...alive].join(', ')} is alive`;
        },
        process({ pid, change }) {
          note(alive, pid, change);
          return isClosed && change === 'started' ? `the process ${pid} starts after the root has closed` : null;
        },
      };
    },
  },
];

function note(alive: Set<number>, pid: number, change: 'started' | 'ended'): null {
  if (change === 'started') alive.add(pid);
  else alive.delete(pid);
  return null;
}

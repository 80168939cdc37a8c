import type { Clock } from '../runtime/clock.ts';
import type { Waited } from '../tools/agent-port.ts';

/** Who waits for agents, and is woken by what happens; nobody looks again and again. */
export interface AgentWaits {
  /** Resolves when one of these agents (null: any) has ended, something was said, or time is up. */
  wait(agents: ReadonlySet<string> | null, timeoutMs: number, signal: AbortSignal): Promise<Waited['why']>;
  /** An agent has ended; says whether somebody waited for it. */
  ended(agent: string): boolean;
  /** Somebody has said something to the session. */
  said(): void;
  /** An agent has said something to the session. */
  noted(): void;
  /** Resolves with the next thing that happens, or when `signal` is aborted. */
  changed(signal: AbortSignal | null): Promise<void>;
}

type Waiter = { agents: ReadonlySet<string> | null; settle(why: Waited['why']): void };

export function createAgentWaits(clock: Clock): AgentWaits {
  const waiters = new Set<Waiter>();
  const watchers = new Set<() => void>();
  const change = () => {
    for (const watch of [...watchers]) watch();
  };

  return {
    wait(agents, timeoutMs, signal) {
      return new Promise((resolve) => {
        const waiter: Waiter = {
          agents,
          settle(why) {
            waiters.delete(waiter);
            clock.clearTimeout(timer);
            signal.removeEventListener('abort', stop);
            resolve(why);
          },
        };
        const stop = () => waiter.settle('stopped');
        const timer = clock.setTimeout(() => waiter.settle('timed-out'), timeoutMs);
        waiters.add(waiter);
        signal.addEventListener('abort', stop, { once: true });
        if (signal.aborted) stop();
      });
    },
    ended(agent) {
      const those = [...waiters].filter(({ agents }) => agents?.has(agent) ?? true);
      for (const waiter of those) waiter.settle('ended');
      change();
      return those.length > 0;
    },
    said() {
      for (const waiter of [...waiters]) waiter.settle('new-input');
      change();
    },
    noted: change,
    changed(signal) {
      return new Promise((resolve) => {
        const done = () => {
          watchers.delete(done);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        watchers.add(done);
        signal?.addEventListener('abort', done, { once: true });
      });
    },
  };
}

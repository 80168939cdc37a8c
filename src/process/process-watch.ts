import { readdirSync } from 'node:fs';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Identity, ProcessTable } from './process-table.ts';

/** How often processes are counted while a container runs, in ms. */
const WATCH_EVERY_MS = 250;

/** Watches how many processes containers have: the kernel limits those of users, and not those of root. */
export interface ProcessWatch {
  /** Calls `onTooMany` once, when there are more than `max` processes below the first one of a container. Gives back how to stop. */
  follow(init: () => Identity | null, onTooMany: () => void): () => void;
}

type Followed = Readonly<{ init: () => Identity | null; onTooMany: () => void }>;

export function processWatch(max: number, clock: Clock, table: ProcessTable): ProcessWatch {
  const followed = new Set<Followed>();
  let before = 0;
  let timer: Timer | null = null;

  const look = () => {
    timer = null;
    // To count all of the machine costs little; to whom they belong is asked only when they have become many.
    if (countAll() - before > max / 2) {
      for (const one of followed) {
        const first = one.init();
        if (first === null || (table.below(first)?.length ?? 0) <= max) continue;
        followed.delete(one);
        one.onTooMany();
      }
    }
    wait();
  };
  const wait = () => {
    if (followed.size > 0) timer ??= clock.setTimeout(look, WATCH_EVERY_MS);
  };

  return {
    follow(init, onTooMany) {
      const one = { init, onTooMany };
      if (followed.size === 0) before = countAll();
      followed.add(one);
      wait();
      return () => {
        followed.delete(one);
        if (followed.size > 0 || timer === null) return;
        clock.clearTimeout(timer);
        timer = null;
      };
    },
  };
}

function countAll(): number {
  try {
    return readdirSync('/proc').filter((name) => /^\d/.test(name)).length;
  } catch {
    return 0;
  }
}

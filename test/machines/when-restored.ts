import { expect, it } from 'vitest';
import type { SteppedClock } from '../model/stepped-clock.ts';
import { type Stored, stored } from './puppet.ts';

type Staged = Readonly<{
  actor: { getPersistedSnapshot(): unknown; getSnapshot(): { value: unknown; status: string } };
  clock: SteppedClock;
}>;

/** One state of a chart: how to come there, and how to get from there to the end once it was stored and is resumed. */
type Case<S extends Staged> = { state: unknown; into(staged: S): void; toEnd(staged: S): void };

/** For each state: what is stored there is JSON, is the same when it is stored again, and goes on to its end. */
export function whenRestored<S extends Staged>(stage: (store?: Stored) => S, cases: readonly Case<S>[]) {
  it.each(cases.map((one) => ({ name: JSON.stringify(one.state), ...one })))(
    'goes on in $name and reaches its end',
    ({ state, into, toEnd }) => {
      const before = stage();
      into(before);
      expect(before.actor.getSnapshot().value).toEqual(state);
      const store = stored(before.actor, before.clock);
      expect(store.snapshot).toEqual(before.actor.getPersistedSnapshot());

      const after = stage(store);
      expect(after.actor.getSnapshot().value).toEqual(state);
      expect(after.clock.pending()).toEqual(before.clock.pending());
      expect(stored(after.actor, after.clock)).toEqual(store);
      toEnd(after);
      expect([after.actor.getSnapshot().status, after.clock.pending()]).toEqual(['done', []]);
    },
  );
}

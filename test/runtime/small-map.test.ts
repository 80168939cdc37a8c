import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSmallMap } from '../../src/runtime/small-map.ts';

it('is as a Map is, whatever is done to it', () => {
  const anyChange = fc.tuple(fc.constantFrom('set', 'set', 'delete'), fc.nat(4), fc.nat());
  fc.assert(
    fc.property(fc.array(anyChange), (changes) => {
      const small = createSmallMap<number, number>();
      const map = new Map<number, number>();
      for (const [change, key, value] of changes) {
        if (change === 'set') {
          small.set(key, value);
          map.set(key, value);
        } else {
          small.delete(key);
          map.delete(key);
        }
        expect([...small]).toEqual([...map]);
        expect([...small.values()]).toEqual([...map.values()]);
        expect([small.size, small.get(key)]).toEqual([map.size, map.get(key)]);
      }
    }),
  );
});

import { expect, it } from 'vitest';
import { assertions } from '../../src/testing/index.ts';

it('says what did not always hold, what was reached and must not be, and what was never reached', () => {
  const said = assertions(['aborted', 'asked']);
  said.always('gapless', true);
  said.always('one end', false);
  said.always('one end', true);
  said.sometimes('aborted');
  said.sometimes('retried', false);
  said.sometimes('queued', true);
  said.sometimes('queued', false);
  said.unreachable('two ends');
  expect(said.end()).toEqual([
    'always, and once not: one end',
    'unreachable, and reached: two ends',
    'sometimes, and never reached: asked',
    'sometimes, and never reached: retried',
  ]);
});

it('says nothing of runs that were as they should be', () => {
  const said = assertions(['aborted']);
  said.always('gapless', true);
  said.sometimes('aborted');
  expect(said.end()).toEqual([]);
});

import { expect, it } from 'vitest';
import { isSameStamp, stampOf, stampText } from '../../src/workspace/stamp.ts';

const STAMP = { inode: 17, size: 42, modifiedMs: 1795778267420.125, changedMs: 1795778267420.5, text: null };

it('is read as it was written', () => {
  const text = stampText({ ...STAMP });
  expect(stampOf(text)).toEqual({ ...STAMP, text });
});

it.each([
  ['another file', { inode: 18 }],
  ['another size', { size: 43 }],
  ['another time', { modifiedMs: STAMP.modifiedMs + 0.001 }],
  ['a change of what is known of it', { changedMs: STAMP.changedMs + 1 }],
])('is another one for %s', (_, more) => {
  expect([isSameStamp(STAMP, { ...STAMP }), isSameStamp(STAMP, { ...STAMP, ...more })]).toEqual([true, false]);
});

it.each(['', '1:2:3', '1:2:3:x', '1:2:3:4:5', 'NaN:1:1:1'])(
  'is none in "%s", so that what it is of counts as changed',
  (text) => {
    expect(stampOf(text)).toBe(null);
  },
);

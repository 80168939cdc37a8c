import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTextJoiner } from '../../src/model/well-formed.ts';

function join(pieces: readonly string[]): readonly string[] {
  const joiner = createTextJoiner();
  return [...pieces.map((piece) => joiner.push(piece)), joiner.end()];
}

test('holds the first half of a character back until the second comes', () => {
  expect(join(['a\ud83d', '\ude00', 'b'])).toEqual(['a', '😀', 'b', '']);
});

test('replaces halves that never meet', () => {
  expect(join(['\ude00a\ud83d', 'b', '\ud83d'])).toEqual(['\ufffda', '\ufffdb', '', '\ufffd']);
});

test('gives the text that one piece would have given, and well-formed pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\0', '\ud83d', '\ude00', 'é') })), (pieces) => {
      const told = join(pieces);
      expect(told.join('')).toBe(pieces.join('').toWellFormed());
      expect(told.filter((text) => !text.isWellFormed())).toEqual([]);
    }),
  );
});

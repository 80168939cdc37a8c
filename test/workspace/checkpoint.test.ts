import { expect, it } from 'vitest';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Kept } from '../../src/workspace/checkpoint.ts';
import { stampText } from '../../src/workspace/stamp.ts';

const keptOf = (at: number): Kept => {
  if (at % 7 === 0) return { type: 'link', target: `../"${at}"` };
  const stored = { hash: `hash-${at}`, pack: '1', offset: at, length: 10 };
  const stamp = { inode: at, size: 10, modifiedMs: 1_760_000_000_000.25, changedMs: 1_760_000_000_001, text: null };
  stampText(stamp);
  return { type: 'file', mode: 0o644, stored, stamp: at % 5 === 0 ? null : stamp };
};

const checkpointOf = (rows: number): Checkpoint => ({
  id: '1',
  time: '2026-11-27T00:00:00.000Z',
  root: '/work "here"',
  kept: new Map(Array.from({ length: rows }, (_, at) => [`d/f${at}\xff`, keptOf(at)])),
  directories: new Map([['d', 0o755]]),
  leftOut: [{ path: 'big', why: 'large-file' }],
});

it.each([0, 1, 999, 1_000, 1_001, 2_500])('reads a checkpoint of %i entries as it was', (rows) => {
  const checkpoint = checkpointOf(rows);
  const pieces = [...encodeCheckpoint(checkpoint)];
  expect(decodeCheckpoint(Buffer.concat(pieces))).toEqual(checkpoint);
});

it('is written in pieces, so that others have their turn in between', () => {
  const longest = Math.max(...[...encodeCheckpoint(checkpointOf(50_000))].map(({ length }) => length));
  expect(longest).toBeLessThan(200_000);
});

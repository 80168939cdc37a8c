import { describe, expect, it } from 'vitest';
import { errorCode, hasCode, TroupeError } from '../../src/protocol/errors.ts';
import { inputText } from '../../src/protocol/input.ts';
import { addUsage, NO_USAGE } from '../../src/protocol/usage.ts';

describe('the code of an error', () => {
  const coded = (code: unknown) => Object.assign(new Error('no'), { code });

  it('is what the system says, and null of what has none', () => {
    const errors = [coded('ENOENT'), coded(7), new Error('no'), 'ENOENT', null];
    expect(errors.map(errorCode)).toEqual(['ENOENT', null, null, null, null]);
  });

  it('is one of several, or none of them', () => {
    const error = coded('ENOENT');
    expect([
      hasCode(error, 'ENOTDIR', 'ENOENT'),
      hasCode(error, 'EACCES'),
      hasCode(error),
      hasCode(null, 'ENOENT'),
    ]).toEqual([true, false, false, false]);
    expect(hasCode(new TroupeError('rejected', 'no'), 'rejected')).toBe(true);
  });
});

it('is the text of what a user says, without what is none', () => {
  expect([
    inputText('a'),
    inputText([
      { type: 'text', text: 'a' },
      { type: 'image', url: 'x' },
      { type: 'text', text: 'b' },
    ]),
  ]).toEqual(['a', 'a\nb']);
});

it('is an estimate of tokens as soon as one of the parts is', () => {
  const some = { ...NO_USAGE, totalTokens: 2 };
  const guessed = { ...some, estimated: true as const };
  expect([addUsage(some, some), addUsage(some, guessed), addUsage(guessed, some)]).toEqual([
    { ...NO_USAGE, totalTokens: 4 },
    { ...NO_USAGE, totalTokens: 4, estimated: true },
    { ...NO_USAGE, totalTokens: 4, estimated: true },
  ]);
});

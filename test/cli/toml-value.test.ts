import { describe, expect, it } from 'vitest';
import { readTomlValue } from '../../src/cli/toml-value.ts';

describe('a TOML value', () => {
  it.each([
    ['"a \\"b\\" \\u00e9"', 'a "b" é'],
    ["'C:\\dir'", 'C:\\dir'],
    [' 12 ', 12],
    ['-1_000.5e3', -1_000_500],
    ['true', true],
    ['false', false],
    ['[]', []],
    ['["a", \'b\', 3,]', ['a', 'b', 3]],
    ['{}', {}],
    ['{a = 1, "b c" = [true], d.e}', null],
    ['{a = 1, "b c" = [true]}', { a: 1, 'b c': [true] }],
  ])('is read: %s', (text, value) => {
    expect(readTomlValue(text)).toEqual(value === null ? null : { value });
  });

  it.each(['', 'bare', '"open', '"a" b', '[1, 2', '[1 2]', '{a 1}', '1.', '"\\q"', '['.repeat(40) + ']'.repeat(40)])(
    'is none: %s',
    (text) => {
      expect(readTomlValue(text)).toBe(null);
    },
  );
});

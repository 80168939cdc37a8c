import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { FIXTURES } from '../anomaly/model-fixtures.ts';

const root = resolve(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/bad-input.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [number, , expected = '', tests = '', note = ''] = line.slice(2).replace(/ ?\|$/, '').split(' | ');
    const named = tests.trim() === '' ? [] : tests.trim().split('<br>').map(namedTest);
    return { number: Number(number), expected, tests: named, note: note.trim() };
  });

it('names tests that there are for each entry, or why there is none', () => {
  const wrong = rows.flatMap(({ number, tests, note }) =>
    tests.length === 0
      ? note === ''
        ? [`${number} has neither a test nor a note`]
        : []
      : tests.filter((test) => !isThere(number, test)).map(({ file, name }) => `${number} ${file}: ${name}`),
  );
  expect(wrong).toEqual([]);
});

it('says of each entry what has to come of it', () => {
  expect(rows.filter(({ expected }) => expected.trim() === '')).toEqual([]);
});

it('knows each entry of the corpus once', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
});

type NamedTest = Readonly<{ file: string; name: string }>;

function namedTest(text: string): NamedTest {
  const [, file = text, name = ''] = /^`([^`]+)`: (.+)$/.exec(text) ?? [];
  return { file, name };
}

/** Where a test bears the numbers of the corpus, it has to be the one of this entry. */
function isThere(number: number, { file, name }: NamedTest): boolean {
  if (name === '' || !existsSync(join(root, file))) return false;
  if (file === 'test/anomaly/model-fixtures.ts')
    return FIXTURES.some((fixture) => fixture.group === number && fixture.name === name);
  const text = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
  const [, numbered] = /^(\d+) /.exec(name) ?? [];
  return text.includes(name) && (numbered === undefined || Number(numbered) === number);
}

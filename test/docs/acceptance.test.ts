import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/acceptance.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [number, , test = '', note = ''] = line.slice(2).replace(/ ?\|$/, '').split(' | ');
    const [, file = null, name = null] = /^`([^`]+)`(?:: (.*))?$/.exec(test.trim()) ?? [];
    return { number: Number(number), file, name, note: note.trim() };
  });

it('names a test that there is for each scenario, or why there is none', () => {
  const wrong = rows.filter(({ file, name, note }) => {
    if (file === null) return note === '';
    if (!existsSync(join(root, file))) return true;
    return name !== null && !readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'").includes(name);
  });
  expect(wrong).toEqual([]);
});

it('knows each scenario of these groups once', () => {
  const numbers = rows.map(({ number }) => number);
  const wanted = Array.from({ length: 106 }, (_, at) => at + 1).filter((number) => number < 86 || number > 96);
  expect(numbers).toEqual(wanted);
});

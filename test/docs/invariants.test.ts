import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { invariants } from '../../src/testing/index.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What the last column of a row names: observers, laws, test files. */
const rows = read('docs/invariants.md')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [number, , checks = ''] = line.slice(2).replace(/ ?\|$/, '').split(' | ');
    const named = [...checks.matchAll(/(law )?`([^`]+)`/g)].map(([, law, name = '']) => ({
      isLaw: law !== undefined,
      name,
    }));
    return { number: Number(number), checks: checks.trim(), named };
  });
const observers = invariants.map(({ id }) => id);
const laws = [...read('docs/verify.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);

it('has a row for each number from 1 to 100', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
});

it('names for each what checks it, which is there, or says why nothing does', () => {
  const isThere = ({ isLaw, name }: (typeof rows)[number]['named'][number]) => {
    if (isLaw) return laws.includes(name);
    return name.startsWith('test/') ? existsSync(join(root, name)) : observers.includes(name);
  };
  const wrong = rows.filter(
    ({ checks, named }) => !(named.length === 0 ? /^not checked: \w/ : /./).test(checks) || !named.every(isThere),
  );
  expect(wrong).toEqual([]);
});

it('names each observer at its number', () => {
  const missing = observers.filter(
    (id) => !rows.some(({ number, named }) => number === Number(id.slice(1)) && named.some(({ name }) => name === id)),
  );
  expect(missing).toEqual([]);
});

// How many branches of each part are taken by the tests, by what has to be so. Takes the arguments of vitest:
//   npm run coverage                      all tests; exits with 1 when a part is short of its aim
//   npm run coverage -- test/rollout      some of them
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { startVitest } from 'vitest/node';
import {
  CHILDREN_VARIABLE,
  COVERED,
  LEFT_OUT,
  OTHERS_MIN_PERCENT,
  STRICT_AREAS,
  STRICT_MIN_PERCENT,
} from './coverage-areas.ts';
import { addChildren, type CoverageMap, type FileCoverage } from './coverage-of-children.ts';
import { type Branches, coverageTable } from './coverage-table.ts';

const root = join(import.meta.dirname, '..');
/** Where vitest leaves what it has found, and where it is kept with what child processes have come to: every branch, by its place. */
const reportsDirectory = join(root, 'node_modules/.coverage');
const found = join(reportsDirectory, 'coverage-final.json');
const children = mkdtempSync(join(tmpdir(), 'troupe-coverage-'));
process.env[CHILDREN_VARIABLE] = children;
try {
  const vitest = await startVitest('test', process.argv.slice(2), {
    root,
    watch: false,
    coverage: {
      enabled: true,
      provider: 'v8',
      include: [...COVERED],
      exclude: LEFT_OUT.map(({ files }) => files),
      reporter: ['json'],
      reportsDirectory,
      reportOnFailure: true,
    },
  });
  await vitest.close();
  const map = JSON.parse(readFileSync(found, 'utf8')) as CoverageMap; // As vitest writes it.
  await addChildren(map, children);
  writeFileSync(found, JSON.stringify(map));
  const files = Object.entries(map).map(([path, file]): [string, Branches] => [relative(root, path), branchesOf(file)]);
  const { lines, isMet } = coverageTable(new Map(files.sort()), {
    strict: STRICT_AREAS,
    strictMinPercent: STRICT_MIN_PERCENT,
    othersMinPercent: OTHERS_MIN_PERCENT,
  });
  console.log(lines.join('\n'));
  if (!isMet) process.exitCode = 1;
} finally {
  rmSync(children, { recursive: true, force: true });
}

function branchesOf({ b }: FileCoverage): Branches {
  const counts = Object.values(b).flat();
  return { taken: counts.filter((count) => count > 0).length, all: counts.length };
}

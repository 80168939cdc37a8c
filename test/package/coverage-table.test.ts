import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STRICT_AREAS } from '../../scripts/coverage-areas.ts';
import { type Aims, coverageTable } from '../../scripts/coverage-table.ts';

const AIMS: Aims = {
  strict: [
    { name: 'log', files: ['src/log/', 'src/session/log.ts'] },
    { name: 'kill', files: ['src/process/kill.ts'] },
  ],
  strictMinPercent: 100,
  othersMinPercent: 90,
};
const FILES = new Map([
  ['src/log/writer.ts', { taken: 6, all: 6 }],
  ['src/log/verify/rules.ts', { taken: 3, all: 3 }],
  ['src/session/log.ts', { taken: 1, all: 1 }],
  ['src/session/book.ts', { taken: 9, all: 10 }],
  ['src/process/kill.ts', { taken: 0, all: 0 }],
  ['src/index.ts', { taken: 0, all: 0 }],
  ['machines/task.ts', { taken: 8, all: 8 }],
]);

describe('the table of coverage', () => {
  it('has the strict areas, then the rest by folders, and says that all have come to their aims', () => {
    expect(coverageTable(FILES, AIMS)).toEqual({
      lines: [
        'log          100.0 %  10 of 10 branches',
        'kill         100.0 %  0 of 0 branches',
        'machines     100.0 %  8 of 8 branches',
        'src          100.0 %  0 of 0 branches',
        'src/session   90.0 %  9 of 10 branches',
        'coverage: 2 of 2 areas at 100 % of branches, 3 of 3 others at 90 % or more',
      ],
      isMet: true,
    });
  });

  it('calls nothing 100 % of which a branch is left, and says which parts are short of their aims', () => {
    const files = new Map(FILES)
      .set('src/log/writer.ts', { taken: 99_999, all: 100_000 })
      .set('src/session/book.ts', { taken: 89, all: 100 });
    const { lines, isMet } = coverageTable(files, AIMS);
    expect([lines[0], ...lines.slice(-2), isMet]).toEqual([
      'log           99.9 %  100003 of 100004 branches  (aim: 100 %)',
      'src/session   89.0 %  89 of 100 branches  (aim: 90 %)',
      'coverage: 1 of 2 areas at 100 % of branches, 2 of 3 others at 90 % or more',
      false,
    ]);
  });

  it('takes an area without a file for one that has lost what it was to watch', () => {
    const files = new Map(FILES);
    files.delete('src/process/kill.ts');
    expect(coverageTable(files, AIMS).isMet).toBe(false);
  });
});

it('watches files that are there', () => {
  const root = join(import.meta.dirname, '../..');
  const all = ['src', 'machines'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  );
  const gone = STRICT_AREAS.flatMap(({ files }) => files).filter(
    (part) => !all.some((path) => path === part || (part.endsWith('/') && path.startsWith(part))),
  );
  expect(gone).toEqual([]);
});

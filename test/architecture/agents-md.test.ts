import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesIn, ROOT } from './repository.ts';
import { guideViolations } from './rules.ts';

/** More than this is not read at the door. */
const LINES_MAX = 100;

const guide = readFileSync(join(ROOT, 'AGENTS.md'), 'utf8');

// Skipped while the guide is only its heading.
it.skipIf(guide.trim() === '# AGENTS.md')('AGENTS.md is short and its tree is true', () => {
  expect(guideViolations(guide, filesIn('.'), LINES_MAX)).toEqual([]);
});

describe('the rule of the guide', () => {
  const paths = ['src/tasks/undo.ts', 'src/index.ts', 'AGENTS.md'];
  const guideWith = (...tree: string[]) =>
    ['# AGENTS.md', '', '```', ...tree, '```', 'and', '```', 'src/no', '```'].join('\n');

  it('lets pass a tree of what is there', () => {
    const tree = ['src/tasks/   one file per kind', 'src/index.ts, the door', '', 'AGENTS.md', 'src   all'];
    expect(guideViolations(guideWith(...tree), paths, LINES_MAX)).toEqual([]);
  });

  it('tells of what is not there', () => {
    expect(guideViolations(guideWith('src/task/   kinds', 'src/index', 'src/'), paths, LINES_MAX)).toEqual([
      'AGENTS.md names src/task/, which is not there.',
      'AGENTS.md names src/index, which is not there.',
    ]);
  });

  it('tells of a guide without a tree, or with an empty one', () => {
    expect(guideViolations('# AGENTS.md\n', paths, LINES_MAX)).toEqual([
      'AGENTS.md has no fenced block with the tree.',
    ]);
    expect(guideViolations(guideWith(), paths, LINES_MAX)).toEqual(['AGENTS.md has no fenced block with the tree.']);
  });

  it('tells of a guide that is too long', () => {
    const tree = Array.from({ length: LINES_MAX }, () => 'src/');
    expect(guideViolations(guideWith(...tree), paths, LINES_MAX)).toEqual([
      'AGENTS.md has 108 lines: at most 100 get read.',
    ]);
  });
});

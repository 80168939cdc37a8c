import { describe, expect, it } from 'vitest';
import { parseStatus } from '../../src/workspace/git-status.ts';

const HASH = '0'.repeat(40);
const modes = '100644 100644 100644';
const record = (...fields: readonly string[]) => fields.map((field) => `${field}\0`).join('');

describe('what git status writes', () => {
  it('is read with each kind of entry, and without its headings', () => {
    const text = record(
      '# branch.oid x',
      `1 .M N... ${modes} ${HASH} ${HASH} a b`,
      `2 R. S.C. ${modes} ${HASH} ${HASH} R100 new`,
      'old',
      `u UU N... 1 2 3 4 ${HASH} ${HASH} ${HASH} both`,
      '? fresh',
    );
    expect(parseStatus(text)).toEqual([
      { type: 'changed', path: 'a b', from: null, staged: '.', unstaged: 'M', submodule: false },
      { type: 'changed', path: 'new', from: 'old', staged: 'R', unstaged: '.', submodule: true },
      { type: 'unmerged', path: 'both' },
      { type: 'untracked', path: 'fresh' },
    ]);
  });

  it('has no former name of what was renamed when it ends there', () => {
    expect(parseStatus(record(`2 R. N... ${modes} ${HASH} ${HASH} R100 new`))).toEqual([
      { type: 'changed', path: 'new', from: null, staged: 'R', unstaged: '.', submodule: false },
    ]);
  });

  it.each(['1 .M', 'u UU', '! ignored', ''])('is nothing when an entry is none: %j', (entry) => {
    expect(parseStatus(record('? fresh', entry))).toBeNull();
  });
});

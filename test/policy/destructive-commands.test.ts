import { describe, expect, it } from 'vitest';
import type { LooseWord } from '../../src/policy/command-words.ts';
import { destructionBy } from '../../src/policy/destructive-commands.ts';

const said = (...words: LooseWord[]) => destructionBy({ words, repeated: false });

describe('what a command destroys', () => {
  it('is told of the words of a version control that throw changes away, and of no others', () => {
    expect([said('svn', 'revert', 'a'), said('svn', 'cleanup'), said('svn', 'update')]).toEqual([
      '`svn` throws changes away.',
      '`svn` throws changes away.',
      null,
    ]);
  });

  it('is the work tree where git reads a tree into it', () => {
    expect([
      said('git', 'read-tree', '--reset', 'HEAD'),
      said('git', 'read-tree', '-u', '-m', 'HEAD'),
      said('git', 'read-tree', 'HEAD'),
    ]).toEqual(['`git` read-tree throws changes away.', '`git` read-tree throws changes away.', null]);
  });

  it('is what an alias says, and nothing of a setting that is computed', () => {
    expect([
      said('git', '-c', 'alias.s=!rm -rf .', 's'),
      said('git', '-c', 'alias.s=status', 's'),
      said('git', '-c', null, 'status'),
    ]).toEqual(['`git` runs what an alias says.', '`git` runs what an alias says.', null]);
  });
});

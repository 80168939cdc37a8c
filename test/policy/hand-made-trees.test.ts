import { describe, expect, it } from 'vitest';
import type { BashNode } from '../../src/policy/bash-grammar.ts';
import { parsedCommands } from '../../src/policy/parsed-commands.ts';
import { reachedInTree } from '../../src/policy/reached-commands.ts';

/** A node of a tree that the grammar of today does not make, and one of tomorrow may. */
const node = (type: string, text: string, ...children: readonly BashNode[]): BashNode => ({
  type,
  text,
  named: true,
  children,
});
const inside = node('expansion', '$a');
const command = (...words: readonly BashNode[]) =>
  node('program', '', node('command', '', node('command_name', 'ls', node('word', 'ls')), ...words));
const test = (word: BashNode) => node('program', '', node('test_command', '', word));

describe('a tree', () => {
  it('has plain commands only as a whole program', () => {
    const { children } = command(node('word', 'a'));
    expect([parsedCommands(node('program', '', ...children)), parsedCommands(node('ERROR', '', ...children))]).toEqual([
      [['ls', 'a']],
      null,
    ]);
  });

  it.each(['word', 'number', 'raw_string'])('has no plain commands where something stands inside of a %s', (type) => {
    expect([
      parsedCommands(command(node(type, "'a'", inside))),
      parsedCommands(command(node(type, "'a'")))?.length,
    ]).toEqual([null, 1]);
  });

  it.each(['test_operator', 'extglob_pattern'])(
    'has no plain commands where something stands inside of a %s',
    (type) => {
      expect([parsedCommands(test(node(type, '-f', inside))), parsedCommands(test(node(type, '-f')))]).toEqual([
        null,
        [['-f']],
      ]);
    },
  );

  it('reaches commands whose words are computed where something stands inside of them', () => {
    expect(reachedInTree(command(node('word', 'a$a', inside)), () => null)).toEqual({
      commands: [{ words: ['ls', null], repeated: false }],
      unseen: null,
    });
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Commands of a shell, no templates.
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { grammarFrom, loadBashGrammar, PARSED_MAX_CHARACTERS, TREE_DEPTH_MAX } from '../../src/here/bash-grammar.ts';

const ready = async () => {
  const grammar = await loadBashGrammar();
  if (grammar.status === 'missing') throw new Error(grammar.why);
  return grammar;
};

describe('the grammar of bash', () => {
  it('is loaded once, and before the event loop turns', async () => {
    let hasTurned = false;
    setImmediate(() => {
      hasTurned = true;
    });
    const grammar = await loadBashGrammar();
    expect([grammar.status, hasTurned, (await loadBashGrammar()) === grammar]).toEqual(['ready', false, true]);
  });

  it('makes a tree of a command', async () => {
    const { parse } = await ready();
    const word = (text: string) => ({ type: 'word', text, named: true, children: [] });
    const simple = (name: string, ...words: string[]) => ({
      type: 'command',
      text: [name, ...words].join(' '),
      named: true,
      children: [{ type: 'command_name', text: name, named: true, children: [word(name)] }, ...words.map(word)],
    });
    expect(parse('ls -l && é')).toEqual({
      type: 'program',
      text: 'ls -l && é',
      named: true,
      children: [
        {
          type: 'list',
          text: 'ls -l && é',
          named: true,
          children: [simple('ls', '-l'), { type: '&&', text: '&&', named: false, children: [] }, simple('é')],
        },
      ],
    });
  });

  it.each([
    ['no bash', 'a &&'],
    ['cut', "echo 'a"],
    ['too long', 'a'.repeat(PARSED_MAX_CHARACTERS + 1)],
    ['too deep', `${'( '.repeat(TREE_DEPTH_MAX)}a${' )'.repeat(TREE_DEPTH_MAX)}`],
    ['of too many pieces', 'a '.repeat(25_000)],
    ['what costs too much', '<<a '.repeat(15_000)],
    ['what the parser loses its way in', '"${a'.repeat(15_000)],
  ])('makes none of what is %s, and reads the next command as if nothing had been', async (_, command) => {
    const { parse } = await ready();
    const before = parse('ls; ls');
    expect([parse(command), parse('ls; ls')]).toEqual([null, before]);
  });

  it('says why it cannot be loaded', async () => {
    const here = createRequire(import.meta.url);
    const nothing = () => {
      throw new Error('Cannot find module.');
    };
    const elsewhere = Object.assign((id: string) => here(id), { resolve: () => '/nowhere/tree-sitter.js' });
    expect([await grammarFrom(Object.assign(nothing, { resolve: nothing })), await grammarFrom(elsewhere)]).toEqual([
      { status: 'missing', why: 'The grammar of bash could not be loaded: Cannot find module.' },
      {
        status: 'missing',
        why: expect.stringMatching(/^The grammar of bash could not be loaded: .*ENOENT.*\/nowhere\/tree-sitter/),
      },
    ]);
  });
});

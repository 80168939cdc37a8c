import type { BashNode } from './bash-grammar.ts';

/**
 * The words of the simple commands of a tree that has nothing in it but plain words joined by `&&`, `||`, `|`, `;` and line
 * feeds. Null as soon as there is a node of any other type: what is not known to be harmless is not plain.
 */
export function parsedCommands(root: BashNode): readonly (readonly string[])[] | null {
  if (root.type !== 'program') return null;
  return allOf(root.children, commandsIn)?.flat() ?? null;
}

function commandsIn(node: BashNode): readonly (readonly string[])[] | null {
  switch (node.type) {
    case 'list':
    case 'pipeline':
      return allOf(node.children, commandsIn)?.flat() ?? null;
    case 'command': {
      const words = allOf(node.children, wordOf);
      return words === null ? null : [words];
    }
    case 'test_command': {
      const words = allOf(node.children, testWords)?.flat() ?? null;
      return words === null ? null : [words];
    }
    default:
      return JOINTS.has(node.type) && !node.named ? [] : null;
  }
}

/** The grammar has `;` for a line feed in some places, and nothing at all in others. */
const JOINTS = new Set(['&&', '||', '|', ';', '\n']);

function wordOf(node: BashNode): string | null {
  const { type, text, children } = node;
  switch (type) {
    case 'command_name':
    case 'concatenation':
      return allOf(children, wordOf)?.join('') ?? null;
    case 'word':
    case 'number':
      return children.length === 0 ? text : null;
    case 'raw_string':
      return children.length === 0 ? text.slice(1, -1) : null;
    case 'string':
      return children.every(({ type }) => type === '"' || type === 'string_content') ? text.slice(1, -1) : null;
    default:
      return null;
  }
}

/** `[` is an expression to the grammar, and a command with words to bash. */
function testWords(node: BashNode): readonly string[] | null {
  const { type, text, named, children } = node;
  if (type === 'unary_expression' || type === 'binary_expression') return allOf(children, testWords)?.flat() ?? null;
  // What is compared is a pattern to the grammar, as in `[[`; with a real one the other opinion does not agree.
  if (type === 'test_operator' || type === 'extglob_pattern') return children.length === 0 ? [text] : null;
  if (!named && TEST_TOKENS.has(text)) return [text];
  const word = wordOf(node);
  return word === null ? null : [word];
}

const TEST_TOKENS = new Set(['[', ']', '!', '=', '==', '!=']);

/** What `read` gives of each; null when it gives null for one. */
function allOf<T>(nodes: readonly BashNode[], read: (node: BashNode) => T | null): readonly T[] | null {
  const all: T[] = [];
  for (const node of nodes) {
    const one = read(node);
    if (one === null) return null;
    all.push(one);
  }
  return all;
}

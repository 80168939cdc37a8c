import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { BashGrammar, BashNode } from '../policy/bash-grammar.ts';
import { messageOf } from '../protocol/errors.ts';

/** Longer commands are not read: nobody judges them by their words. In UTF-16 code units. */
export const PARSED_MAX_CHARACTERS = 65_536;
/** How deep the tree of a command may be. */
export const TREE_DEPTH_MAX = 200;
/** How many nodes it may have. */
export const TREE_NODES_MAX = 20_000;
/** How often the parser may report that it goes on; it gets there only with texts on which it loses its way. */
const PROGRESS_MAX = 1_000;
/** How many heredocs there may be, and what looks like one: the parser takes quadratic time for them. */
const HEREDOCS_MAX = 1_000;
/**
 * How much a function of the parser runs before V8 optimises it, in bytes, more or less. To optimise it takes 300 ms of a
 * core and half a gigabyte for a while, and a hundred commands would not win that back; by default three commands set it off.
 */
const TIERING_BUDGET_BYTES = 2_000_000_000;
/** What V8 takes where nobody says otherwise: `node --v8-options`. */
const TIERING_BUDGET_BYTES_DEFAULT = 13_000_000;

let loaded: Promise<BashGrammar> | null = null;

/**
 * The grammar of bash, loaded with the first command and once for all. It settles without the event loop turning, so that
 * a world with a clock of its own does not notice. Never rejects: a grammar that cannot be loaded says why.
 */
export function loadBashGrammar(): Promise<BashGrammar> {
  loaded ??= grammarFrom(createRequire(import.meta.url));
  return loaded;
}

/** The same from a place of one's own, and not remembered. */
export async function grammarFrom(require: Require): Promise<BashGrammar> {
  try {
    const library = require(PACKAGE) as Library; // A package without types of its own for this way of loading it.
    const directory = dirname(require.resolve(PACKAGE));
    const compiled = (name: string) => compiledPatiently(readFileSync(join(directory, name)));
    await library.Parser.init({
      instantiateWasm(imports, receive) {
        const module = compiled('tree-sitter.wasm');
        return receive(new WebAssembly.Instance(module, imports), module);
      },
    });
    // A module that is compiled already is instantiated at once, but `load` lets pass bytes only: these become the module.
    // biome-ignore lint/suspicious/noThenProperty: It is awaited there, and only there.
    const bytes = Object.assign(new Uint8Array(), { then: become(compiled('tree-sitter-bash.wasm')) });
    const parser = new library.Parser();
    parser.setLanguage(await library.Language.load(bytes));
    return { status: 'ready', parse: (command) => parseWith(parser, command) };
  } catch (error) {
    return { status: 'missing', why: `The grammar of bash could not be loaded: ${messageOf(error)}` };
  }
}

const PACKAGE = '@vscode/tree-sitter-wasm';

/** A module takes the budget along that holds while it is made. One that whoever runs Node has chosen is left alone. */
function compiledPatiently(bytes: Uint8Array): object {
  if (/wasm[-_]tiering[-_]budget/.test(`${process.execArgv} ${process.env.NODE_OPTIONS}`))
    return new WebAssembly.Module(bytes);
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET_BYTES}`);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET_BYTES_DEFAULT}`);
  }
}

function become(value: object): (resolve: (value: object) => void) => void {
  return (resolve) => resolve(value);
}

function parseWith(parser: Parser, command: string): BashNode | null {
  if (command.length > PARSED_MAX_CHARACTERS || command.split('<<').length > HEREDOCS_MAX) return null;
  let calls = 0;
  const progressCallback = () => {
    calls += 1;
    return calls > PROGRESS_MAX;
  };
  const tree = parser.parse(command, null, { progressCallback });
  if (tree === null) {
    // A parse that was cut would go on with the next text.
    parser.reset();
    return null;
  }
  try {
    return tree.rootNode.hasError ? null : copyOf(tree);
  } finally {
    tree.delete();
  }
}

type Copy = { type: string; text: string; named: boolean; children: Copy[] };

/** Trees live in the memory of the parser, which nobody tidies up: a copy does not. */
function copyOf(tree: Tree): BashNode | null {
  const cursor = tree.walk();
  const open: Copy[] = [];
  let count = 0;
  try {
    for (;;) {
      const node: Copy = { type: cursor.nodeType, text: cursor.nodeText, named: cursor.nodeIsNamed, children: [] };
      open.at(-1)?.children.push(node);
      count += 1;
      if (count > TREE_NODES_MAX || open.length > TREE_DEPTH_MAX) return null;
      open.push(node);
      if (cursor.gotoFirstChild()) continue;
      for (;;) {
        const done = open.pop();
        if (cursor.gotoNextSibling()) break;
        if (!cursor.gotoParent()) return done ?? null;
      }
    }
  } finally {
    cursor.delete();
  }
}

/** The types of Node leave these out. */
declare const WebAssembly: Readonly<{
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => object;
}>;

/** How a package is loaded and found. */
type Require = ((id: string) => unknown) & Readonly<{ resolve(id: string): string }>;

type Library = Readonly<{
  Parser: {
    new (): Parser;
    init(options: {
      instantiateWasm(imports: object, receive: (instance: object, module: object) => unknown): unknown;
    }): Promise<void>;
  };
  Language: { load(bytes: Uint8Array): Promise<unknown> };
}>;

type Parser = Readonly<{
  setLanguage(language: unknown): unknown;
  parse(text: string, old: null, options: { progressCallback(): boolean }): Tree | null;
  reset(): void;
}>;

type Tree = Readonly<{ rootNode: { hasError: boolean }; walk(): Cursor; delete(): void }>;

type Cursor = Readonly<{
  nodeType: string;
  nodeText: string;
  nodeIsNamed: boolean;
  gotoFirstChild(): boolean;
  gotoNextSibling(): boolean;
  gotoParent(): boolean;
  delete(): void;
}>;

import { join } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import type { Files } from '../tools/files.ts';
import { type GitCall, type GitOutput, type GitResult, mapped, type RepositoryPlace } from './hardened-git.ts';

/** One file of an index. A mode is git's: `100644`, `100755`, `120000` for a link; `0` takes the path out. */
export type IndexEntry = Readonly<{ mode: string; hash: string; path: string }>;

/** An index that is not the repository's, with a place of its own for new objects; it reads the repository's objects, too. */
export interface PrivateIndex {
  /** Stores a content as it is, without filters. */
  writeObject(content: Uint8Array): Promise<GitResult<string>>;
  /** The same for files, by paths from the root; a link is followed, so leave links out. Their names have no line ends. */
  writeFiles(paths: readonly string[]): Promise<GitResult<readonly string[]>>;
  /** Makes the index what a commit or tree is. */
  readTree(tree: string): Promise<GitResult<null>>;
  update(entries: readonly IndexEntry[]): Promise<GitResult<null>>;
  /** Stores the index as a tree and gives its name. */
  writeTree(): Promise<GitResult<string>>;
}

type Run = (call: GitCall) => Promise<GitResult<GitOutput>>;

/** Makes a private index in `directory`, or opens the one that is there. */
export async function privateIndex(
  run: Run,
  files: Files,
  { commonDirectory }: RepositoryPlace,
  directory: string,
): Promise<GitResult<PrivateIndex>> {
  const objects = join(directory, 'objects');
  try {
    if ((await files.kind(objects)) === 'missing') await files.makeDirectory(objects);
  } catch (error) {
    return { ok: false, why: `Expected to be able to make ${objects}, got: ${messageOf(error)}` };
  }
  const env = {
    GIT_INDEX_FILE: join(directory, 'index'),
    GIT_OBJECT_DIRECTORY: objects,
    // A colon would end a path that is not quoted.
    GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(join(commonDirectory, 'objects')),
  };
  const write = (words: readonly string[], input?: Uint8Array) =>
    run({ arguments: words, env, writable: directory, ...(input === undefined ? {} : { input }) });
  return {
    ok: true,
    value: {
      async writeObject(content) {
        return mapped(await write(['hash-object', '-w', '--no-filters', '--stdin'], content), nameIn);
      },
      async writeFiles(paths) {
        const odd = paths.find((path) => /[\n\0]/.test(path));
        if (odd !== undefined)
          return { ok: false, why: `Expected a name without line ends, got ${JSON.stringify(odd)}.` };
        if (paths.length === 0) return { ok: true, value: [] };
        const input = Buffer.from(`${paths.join('\n')}\n`);
        const written = await write(['hash-object', '-w', '--no-filters', '--stdin-paths'], input);
        return mapped(written, ({ text }) => text.split('\n').slice(0, -1));
      },
      async readTree(tree) {
        if (tree.startsWith('-'))
          return { ok: false, why: `Expected the name of a tree, got ${JSON.stringify(tree)}.` };
        return mapped(await write(['read-tree', tree]), nothing);
      },
      async update(entries) {
        const lines = entries.map(({ mode, hash, path }) => `${mode} ${hash}\t${path}\0`);
        return mapped(await write(['update-index', '-z', '--index-info'], Buffer.from(lines.join(''))), nothing);
      },
      async writeTree() {
        return mapped(await write(['write-tree']), nameIn);
      },
    },
  };
}

function nameIn({ text }: GitOutput): string {
  return text.trim();
}

function nothing(): null {
  return null;
}

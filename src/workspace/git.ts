import type { Files } from '../tools/files.ts';
import { parseStatus, type StatusEntry } from './git-status.ts';
import {
  type GitCall,
  type GitOutput,
  type GitPorts,
  type GitResult,
  mapped,
  type RepositoryPlace,
  runGit,
} from './hardened-git.ts';
import { type PrivateIndex, privateIndex } from './private-index.ts';
import { repositoryPlace } from './repository-place.ts';

/** What is checked out. */
export type Head = Readonly<{
  /** Null before the first commit. */
  commit: string | null;
  /** Null when it is detached. */
  branch: string | null;
}>;

/** What to compare. `from` null is nothing at all; `to` null is the work tree. */
export type DiffOrder = Readonly<{ from: string | null; to: string | null; outputMaxBytes: number }>;

/** A diff as text, binary files only named. `isCut`: the middle of it is left out. */
export type Diff = Readonly<{ text: string; isCut: boolean }>;

/**
 * A repository, read by git without running anything of it (docs/how-it-works.md). Filters are off: a file that one has
 * changed on its way to the disk (Git LFS, git-crypt) counts as changed once its time has. Names are UTF-8; what is none
 * in another name is shown as U+FFFD.
 */
export interface Git {
  readonly root: string;
  head(): Promise<GitResult<Head>>;
  /** The commit that a name stands for; null when it stands for none. */
  resolve(revision: string): Promise<GitResult<string | null>>;
  /** The best common ancestor; null when there is none. */
  mergeBase(one: string, other: string): Promise<GitResult<string | null>>;
  status(): Promise<GitResult<readonly StatusEntry[]>>;
  diff(order: DiffOrder): Promise<GitResult<Diff>>;
  /** Paths from the root: what the index has, or what it has not and is not ignored. A repository within ends in a slash. */
  listFiles(which: 'tracked' | 'untracked'): Promise<GitResult<readonly string[]>>;
  /** The name that a content would have, without filters; nothing is written. */
  hashObject(content: Uint8Array): Promise<GitResult<string>>;
  /** An index and a place for objects in a directory of ours, which is there and has nothing else in it. */
  privateIndex(directory: string): Promise<GitResult<PrivateIndex>>;
}

/** Opens the repository that a directory is in; null where there is none. */
export async function openGit(ports: GitPorts, files: Files, directory: string): Promise<GitResult<Git | null>> {
  const found = await repositoryPlace(ports, files, directory);
  if (!found.ok || found.value === null) return found.ok ? { ok: true, value: null } : found;
  return { ok: true, value: gitAt(ports, files, found.value) };
}

function gitAt(ports: GitPorts, files: Files, place: RepositoryPlace): Git {
  const run = (call: GitCall) => runGit(ports, place, call);
  const reading = async (call: GitCall): Promise<GitResult<GitOutput>> => {
    const filters = await withoutFilters(run);
    return filters.ok ? run({ ...call, settings: filters.value }) : filters;
  };
  const resolve = async (revision: string): Promise<GitResult<string | null>> => {
    if (revision === '' || revision.startsWith('-') || /[\0\n]/.test(revision)) return { ok: true, value: null };
    const found = await run({
      arguments: ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`],
      answers: [1],
    });
    return mapped(found, lineOrNull);
  };
  const resolved = async (revision: string): Promise<GitResult<string>> => {
    const found = await resolve(revision);
    if (!found.ok) return found;
    if (found.value !== null) return { ok: true, value: found.value };
    return { ok: false, why: `Expected ${JSON.stringify(revision)} to name a commit, but it names none.` };
  };
  const emptyTree = async () => mapped(await run({ arguments: ['hash-object', '-t', 'tree', '--stdin'] }), line);
  return {
    root: place.root,
    resolve,
    async head() {
      const commit = await resolve('HEAD');
      if (!commit.ok) return commit;
      const branch = await run({ arguments: ['symbolic-ref', '--quiet', 'HEAD'], answers: [1] });
      return mapped(branch, (output) => ({
        commit: commit.value,
        branch: lineOrNull(output)?.replace(/^refs\/heads\//, '') ?? null,
      }));
    },
    async mergeBase(one, other) {
      const [a, b] = [await resolved(one), await resolved(other)];
      if (!a.ok || !b.ok) return a.ok ? b : a;
      return mapped(await run({ arguments: ['merge-base', a.value, b.value], answers: [1] }), lineOrNull);
    },
    async status() {
      const found = await reading({
        arguments: ['status', '--porcelain=v2', '-z', '--untracked-files=all', '--ignore-submodules=dirty'],
      });
      if (!found.ok) return found;
      const entries = parseStatus(found.value.text);
      return entries === null
        ? { ok: false, why: 'Expected git status to write porcelain v2, got something else.' }
        : { ok: true, value: entries };
    },
    async diff({ from, to, outputMaxBytes }) {
      const begin = from === null ? await emptyTree() : await resolved(from);
      const end = to === null ? null : await resolved(to);
      if (!begin.ok) return begin;
      if (end?.ok === false) return end;
      const names = [begin.value, ...(end === null ? [] : [end.value])];
      const found = await reading({ arguments: ['diff', ...PLAIN_DIFF, ...names, '--'], outputMaxBytes, mayCut: true });
      return mapped(found, ({ text, isCut }) => ({ text, isCut }));
    },
    async listFiles(which) {
      const flags = which === 'tracked' ? ['--cached'] : ['--others', '--exclude-standard'];
      return mapped(await run({ arguments: ['ls-files', '-z', '--full-name', ...flags] }), ({ text }) => [
        ...new Set(text.split('\0').slice(0, -1)),
      ]);
    },
    hashObject: async (input) =>
      mapped(await run({ arguments: ['hash-object', '--no-filters', '--stdin'], input }), line),
    privateIndex: (directory) => privateIndex(run, files, place, directory),
  };
}

const PLAIN_DIFF = [
  ...['--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=dirty'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '-O/dev/null'],
];

/** How many filters a repository may have: each needs four settings in the environment. */
const FILTERS_MAX = 200;

/** Settings that turn every filter off: git knows no other way. A filter that comes in this moment is run, in the sandbox. */
async function withoutFilters(
  run: (call: GitCall) => Promise<GitResult<GitOutput>>,
): Promise<GitResult<readonly (readonly [string, string])[]>> {
  const listed = await run({ arguments: ['config', '--list', '--includes', '--name-only', '-z'] });
  if (!listed.ok) return listed;
  const keys = listed.value.text.split('\0');
  const drivers = new Set(keys.flatMap((key) => /^filter\.(.*)\.[^.]+$/s.exec(key)?.[1] ?? []));
  if (drivers.size > FILTERS_MAX) {
    return { ok: false, why: `Expected at most ${FILTERS_MAX} filters in the configuration, got ${drivers.size}.` };
  }
  const settings = [...drivers].flatMap((driver) =>
    (['clean', 'smudge', 'process', 'required'] as const).map(
      (part) => [`filter.${driver}.${part}`, part === 'required' ? 'false' : ''] as const,
    ),
  );
  return { ok: true, value: settings };
}

function line({ text }: GitOutput): string {
  return text.replace(/\n$/, '');
}

function lineOrNull(output: GitOutput): string | null {
  return output.exitCode === 0 ? line(output) : null;
}

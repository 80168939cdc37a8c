import { readdirSync, readlinkSync } from 'node:fs';
import { procText } from '../../src/process/proc-text.ts';

/** One living process, as /proc shows it; what may not be read is empty. */
type Row = Readonly<{
  pid: number;
  parent: number;
  identity: string;
  zombie: boolean;
  words: string;
  namespace: string;
}>;

/**
 * What is known of a tree while it lives: by it the tree is found again, whatever it has done to its environment.
 * `firsts` are the first processes of its process namespaces: the number of a namespace is given again, and without its
 * first process nothing lives in one (pid_namespaces(7)).
 */
export type Known = Readonly<{ tag: string; firsts: ReadonlySet<string>; identities: ReadonlySet<string> }>;

/** Takes down who is there of the tree with `tag`: its processes, and the first processes of the namespaces they are in that are not ours. */
export function knownOf(tag: string): Known {
  const rows = readRows();
  const tagged = rows.filter(({ words }) => words.includes(tag));
  const members = new Map(tagged.map((row) => [row.pid, row]));
  for (const pid of members.keys()) {
    for (const row of rows) if (row.parent === pid && row.pid !== process.pid) members.set(row.pid, row);
  }
  const firsts = firstsOf(rows);
  return {
    tag,
    firsts: new Set(tagged.flatMap(({ namespace }) => firsts.get(namespace) ?? [])),
    identities: new Set([...members.values()].map(({ identity }) => identity)),
  };
}

/** The living processes of a tree: by an argument that only it has, by its process namespace, and by who was there. */
export function left({ tag, firsts, identities }: Known): readonly number[] {
  const rows = readRows();
  const firstOf = firstsOf(rows);
  return rows
    .filter(
      ({ zombie, words, namespace, identity }) =>
        !zombie && (words.includes(tag) || firsts.has(firstOf.get(namespace) ?? '') || identities.has(identity)),
    )
    .map(({ pid }) => pid);
}

/** By namespace, the identity of its first process: the one whose parent is in another. Our own namespace is left out. */
function firstsOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  const own = readlinkSync('/proc/self/ns/pid');
  const namespaceOf = new Map(rows.map(({ pid, namespace }) => [pid, namespace]));
  const firsts = rows.filter(
    ({ parent, namespace }) => namespace !== '' && namespace !== own && namespaceOf.get(parent) !== namespace,
  );
  return new Map(firsts.map(({ namespace, identity }) => [namespace, identity]));
}

/** Children of this process that have ended and were not waited for. */
export function zombies(): readonly number[] {
  return readRows()
    .filter(({ zombie, parent }) => zombie && parent === process.pid)
    .map(({ pid }) => pid);
}

/** Looks until `condition` holds, at most so long; says whether it did. */
export async function eventually(condition: () => boolean, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

function readRows(): readonly Row[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readRow(Number(name)) ?? []);
}

function readRow(pid: number): Row | null {
  const stat = procText(`/proc/${pid}/stat`) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20) return null;
  return {
    pid,
    parent: Number(fields[1]),
    identity: `${pid}:${fields[19]}`,
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    words: procText(`/proc/${pid}/cmdline`) ?? '',
    namespace: namespaceOf(pid),
  };
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}

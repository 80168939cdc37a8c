import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseAst } from 'vitest/node';

/** A file's branches as vitest writes them (the format of istanbul): where each is, and how often each of its ways was taken. */
export type FileCoverage = {
  readonly branchMap: Readonly<Record<string, Readonly<{ type: string; loc: Place; locations: readonly unknown[] }>>>;
  readonly b: Record<string, number[]>;
};
export type CoverageMap = Record<string, FileCoverage>;
type Place = Readonly<{ start: Readonly<{ line: number; column: number }> }>;

/** What a process writes of itself with NODE_V8_COVERAGE. */
type Script = Readonly<{ url: string; functions: unknown }>;

/** What vitest itself reads such reports with; it comes with its coverage. */
type Convert = (file: Parsed & { coverage: Script }) => Promise<CoverageMap>;
type Merge = (scripts: readonly Script[]) => Script | undefined;
type Parsed = Readonly<{ code: string; ast: ReturnType<typeof parseAst> }>;

/** How many reports of one file are kept before they are made one. */
const MERGED_AT_ONCE = 50;

/**
 * Adds to `map` what the processes have come to whose reports are in `folder`. These processes ran the files with their types
 * blanked out, so that each branch is where it is in the source.
 */
export async function addChildren(map: CoverageMap, folder: string): Promise<void> {
  const { default: convert } = (await import(beside('ast-v8-to-istanbul'))) as { default: Convert }; // As it is documented.
  const { mergeScriptCovs: merge } = (await import(beside('@bcoe/v8-coverage'))) as { mergeScriptCovs: Merge }; // The same.
  for (const [path, scripts] of readAll(map, folder, merge)) {
    const coverage = merge(scripts);
    const file = map[path];
    if (coverage === undefined || file === undefined) continue;
    const found = await convert({ ...parsed(path), coverage });
    add(file, found[path] as FileCoverage); // It has the one file that it was given.
  }
}

/** The reports of all processes, by the files of `map`. */
function readAll(map: CoverageMap, folder: string, merge: Merge): ReadonlyMap<string, readonly Script[]> {
  const all = new Map<string, Script[]>();
  for (const name of readdirSync(folder)) {
    for (const script of scriptsIn(join(folder, name))) {
      const path = script.url.startsWith('file:') ? fileURLToPath(script.url) : '';
      if (map[path] === undefined) continue;
      const known = all.get(path) ?? [];
      const scripts = [...known, script];
      const one = scripts.length < MERGED_AT_ONCE ? undefined : merge(scripts);
      all.set(path, one === undefined ? scripts : [one]);
    }
  }
  return all;
}

function beside(name: string): string {
  const { resolve } = createRequire(import.meta.resolve('@vitest/coverage-v8'));
  return pathToFileURL(resolve(name)).href;
}

/** Nothing of a report that its process has not finished. */
function scriptsIn(path: string): readonly Script[] {
  try {
    const { result } = JSON.parse(readFileSync(path, 'utf8')) as { result: readonly Script[] }; // As Node writes it.
    return result;
  } catch {
    return [];
  }
}

function parsed(path: string): Parsed {
  const code = stripTypeScriptTypes(readFileSync(path, 'utf8'));
  return { code, ast: parseAst(code) };
}

function add(file: FileCoverage, found: FileCoverage): void {
  const ids = new Map(Object.entries(file.branchMap).map(([id, branch]) => [keyOf(branch), id]));
  for (const [foundId, branch] of Object.entries(found.branchMap)) {
    const counts = file.b[ids.get(keyOf(branch)) ?? ''];
    for (const [way, count] of found.b[foundId]?.entries() ?? []) if (counts) counts[way] = (counts[way] ?? 0) + count;
  }
}

function keyOf({ type, loc: { start }, locations }: FileCoverage['branchMap'][string]): string {
  return `${type} ${start.line}:${start.column} ${locations.length}`;
}

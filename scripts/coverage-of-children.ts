import { readdirSync, readFileSync, rmSync } from 'node:fs';
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

/** What vitest itself makes branches of such reports with; it comes with its coverage. */
type Convert = (file: Parsed & { coverage: Script }) => Promise<CoverageMap>;
type Parsed = Readonly<{ code: string; ast: ReturnType<typeof parseAst> }>;

/**
 * Adds to `map` what the processes have come to whose reports are in `folder`, and takes the reports away. These processes ran the
 * files with their types blanked out, so that each branch is where it is in the source.
 */
export async function addChildren(map: CoverageMap, folder: string): Promise<void> {
  const { default: convert } = (await import(converter())) as { default: Convert }; // As it is documented.
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const scripts = scriptsIn(path);
    rmSync(path);
    for (const { url, functions } of scripts) {
      const file = url.startsWith('file:') ? map[fileURLToPath(url)] : undefined;
      if (file === undefined) continue;
      const found = await convert({ ...parsed(fileURLToPath(url)), coverage: { functions, url } });
      add(file, found[fileURLToPath(url)] as FileCoverage); // It has the one file that it was given.
    }
  }
}

function converter(): string {
  const { resolve } = createRequire(import.meta.resolve('@vitest/coverage-v8'));
  return pathToFileURL(resolve('ast-v8-to-istanbul')).href;
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

const known = new Map<string, Parsed>();

function parsed(path: string): Parsed {
  const already = known.get(path);
  if (already !== undefined) return already;
  const code = stripTypeScriptTypes(readFileSync(path, 'utf8'));
  const one = { code, ast: parseAst(code) };
  known.set(path, one);
  return one;
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

import type { Area } from './coverage-areas.ts';

/** The branches of a file, and how many of them were taken. */
export type Branches = Readonly<{ taken: number; all: number }>;

export type Aims = Readonly<{
  strict: readonly Area[];
  strictMinPercent: number;
  othersMinPercent: number;
}>;

/** What is printed, the closing line last, and whether each part has come to its aim. */
export type Table = Readonly<{ lines: readonly string[]; isMet: boolean }>;

type Row = Readonly<{ name: string; branches: Branches; minPercent: number; files: number }>;

/** The strict areas, and the rest by folders, with their branches; the paths are from the root of the repository. */
export function coverageTable(files: ReadonlyMap<string, Branches>, aims: Aims): Table {
  const strict = aims.strict.map((area) => rowOf(area.name, filesIn(files, area), aims.strictMinPercent));
  const rest = [...files].filter(([path]) => !aims.strict.some((area) => isIn(path, area)));
  const folders = Map.groupBy(rest, ([path]) => folderOf(path));
  const others = [...folders].sort().map(([name, all]) => rowOf(name, all, aims.othersMinPercent));
  const rows = [...strict, ...others];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const said =
    `${reached(strict)} of ${strict.length} areas at ${aims.strictMinPercent} % of branches, ` +
    `${reached(others)} of ${others.length} others at ${aims.othersMinPercent} % or more`;
  return { lines: [...rows.map((row) => lineOf(row, width)), `coverage: ${said}`], isMet: rows.every(isMet) };
}

function rowOf(name: string, files: readonly (readonly [string, Branches])[], minPercent: number): Row {
  const taken = files.reduce((sum, [, branches]) => sum + branches.taken, 0);
  const all = files.reduce((sum, [, branches]) => sum + branches.all, 0);
  return { name, branches: { taken, all }, minPercent, files: files.length };
}

/** An area without a file has lost what it was to watch. */
function isMet({ branches: { taken, all }, minPercent, files }: Row): boolean {
  return files > 0 && taken * 100 >= all * minPercent;
}

function reached(rows: readonly Row[]): number {
  return rows.filter(isMet).length;
}

/** Rounded down: what is called 100.0 % has no branch left. */
function lineOf(row: Row, width: number): string {
  const { taken, all } = row.branches;
  const percent = all === 0 ? 100 : Math.floor((taken * 1_000) / all) / 10;
  const aim = isMet(row) ? '' : `  (aim: ${row.minPercent} %)`;
  return `${row.name.padEnd(width)}  ${percent.toFixed(1).padStart(5)} %  ${taken} of ${all} branches${aim}`;
}

function filesIn(files: ReadonlyMap<string, Branches>, area: Area): readonly (readonly [string, Branches])[] {
  return [...files].filter(([path]) => isIn(path, area));
}

function isIn(path: string, area: Area): boolean {
  return area.files.some((part) => (part.endsWith('/') ? path.startsWith(part) : path === part));
}

/** `src/cli`, `machines`; files beside the folders of src are of `src`. */
function folderOf(path: string): string {
  return path.split('/').slice(0, -1).slice(0, 2).join('/');
}

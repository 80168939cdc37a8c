import { posix } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { studioJson } from '../../src/inspect/chart.ts';
import { type Import, importsOf, lineOf, sourceText } from './source-text.ts';

/** Sources by their path from the root of the repository. A rule gives one sentence for each violation. */
export type Files = ReadonlyMap<string, string>;

/** Folders end in a slash. A part is a folder or a file; the parts of one layer stand side by side. */
export type LayerTable = Readonly<{
  /** From the bottom up. */
  layers: readonly (readonly string[])[];
  /** Parts of one layer of which the first may import values of the second; the others may import types only. */
  valuesBeside: readonly (readonly [string, string])[];
  /** All that a part may import besides itself, where that is less than what is below it. */
  onlyFrom: Readonly<Record<string, Readonly<{ parts: readonly string[]; packages: 'any' | readonly string[] }>>>;
  /** Packages that may be imported in these places only. */
  confined: Readonly<Record<string, readonly string[]>>;
  /** What the package's own names stand for. */
  ownNames: Readonly<Record<string, string>>;
}>;

/** Imports that point upward or sideways, reach for a confined package, or stand outside the layers. */
export function layerViolations(files: Files, table: LayerTable): string[] {
  return sources(files).flatMap(([path, text]) => {
    const from = partOf(path, table);
    if (from === null) return [`${path} is in no layer: add it to the table of the layers.`];
    return importsOf(text).flatMap((found) => {
      const rule = brokenRule(path, from, found, table);
      return rule === null ? [] : [`${path}:${found.line} imports "${found.specifier}": ${rule}.`];
    });
  });
}

function brokenRule(path: string, from: Part, found: Import, table: LayerTable): string | null {
  const target = resolved(path, found.specifier, table.ownNames);
  if (target === null) return brokenPackageRule(path, from, packageOf(found.specifier), table);
  const to = partOf(target, table);
  if (to === null) return 'it is outside the layers';
  if (to.name === from.name) return null;
  const allowed = table.onlyFrom[from.name];
  if (allowed !== undefined && !allowed.parts.includes(to.name))
    return onlyRule(from, 'the other parts', allowed.parts);
  if (to.level > from.level) return `imports point downwards, and ${from.name} is below ${to.name}`;
  if (to.level < from.level || found.typeOnly) return null;
  if (table.valuesBeside.some(([one, other]) => one === from.name && other === to.name)) return null;
  return `${from.name} and ${to.name} are side by side and share types only (import type)`;
}

function brokenPackageRule(path: string, from: Part, name: string, table: LayerTable): string | null {
  const allowed = table.onlyFrom[from.name]?.packages ?? 'any';
  if (allowed !== 'any' && !allowed.includes(name)) return onlyRule(from, 'packages', allowed);
  const places = table.confined[name];
  if (places === undefined || places.some((place) => isIn(path, place))) return null;
  return `${name} is imported in ${places.join(', ')} only`;
}

function onlyRule(from: Part, what: string, allowed: readonly string[]): string {
  return `of ${what}, ${from.name} imports ${allowed.length === 0 ? 'none' : `${allowed.join(', ')} only`}`;
}

/** Circles of value imports, each told once, beginning with its first file by name. */
export function cycleViolations(files: Files, ownNames: LayerTable['ownNames']): string[] {
  const next = new Map(
    sources(files).map(([path, text]): [string, string[]] => [
      path,
      importsOf(text).flatMap((found) => {
        const target = found.typeOnly ? null : resolved(path, found.specifier, ownNames);
        return target !== null && files.has(target) ? [target] : [];
      }),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.add(circle(trail.slice(start)));
    if (start !== -1 || done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return [...cycles].map((text) => `${text}: values are imported in a circle.`);
}

function circle(paths: readonly string[]): string {
  const first = paths.indexOf([...paths].sort()[0] ?? '');
  const turned = [...paths.slice(first), ...paths.slice(0, first)];
  return [...turned, turned[0]].join(' → ');
}

/** All that a module needs at run time, in the end: our files and packages. */
export function closureOf(path: string, files: Files): { files: string[]; packages: string[] } {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (current: string): void => {
    if (seen.has(current)) return;
    seen.add(current);
    for (const { specifier, typeOnly } of importsOf(files.get(current) ?? '')) {
      if (typeOnly) continue;
      const target = resolved(current, specifier, {});
      if (target === null) packages.add(packageOf(specifier));
      else visit(target);
    }
  };
  visit(path);
  return { files: [...seen].sort(), packages: [...packages].sort() };
}

export type PurityTable = Readonly<{
  folders: readonly string[];
  /** What may not stand in the code, and what to use instead. */
  words: readonly Readonly<{ pattern: RegExp; instead: string }>[];
  /** Node's modules that compute and do nothing else; a list of names where that holds for some of them only. */
  nodeModules: Readonly<Record<string, 'all' | readonly string[]>>;
  /** Where times may be turned to text and back (`new Date(ms)`, `Date.parse(text)`): one of these at most. */
  isoTime: readonly string[];
}>;

/** Time, chance, timers and the outer world where there may be none. */
export function purityViolations(files: Files, table: PurityTable): string[] {
  const pure = sources(files).filter(([path]) => table.folders.some((folder) => isIn(path, folder)));
  const places = table.isoTime.filter((path) => files.has(path));
  return [
    ...(places.length > 1 ? [`${places.join(' and ')} do the same: keep one.`] : []),
    ...pure.flatMap(([path, text]) => [...impureWords(path, text, table), ...impureImports(path, text, table)]),
  ];
}

function impureWords(path: string, text: string, table: PurityTable): string[] {
  const code = sourceText(text).codeOnly;
  const judged = table.isoTime.includes(path)
    ? code.replaceAll(/\b(?:new Date|Date\.parse)\((?=\s*[^\s)])/g, (it) => ' '.repeat(it.length))
    : code;
  return table.words.flatMap(({ pattern, instead }) =>
    [...judged.matchAll(new RegExp(pattern, 'g'))].map(
      ({ index, 0: word }) => `${path}:${lineOf(text, index)} uses ${word.trim()}: ${instead}.`,
    ),
  );
}

function impureImports(path: string, text: string, table: PurityTable): string[] {
  return importsOf(text).flatMap(({ specifier, typeOnly, names, line }) => {
    if (typeOnly || !specifier.startsWith('node:')) return [];
    const allowed = table.nodeModules[specifier];
    if (allowed === 'all') return [];
    const wrong = names.filter((name) => !(allowed ?? []).includes(name));
    if (allowed !== undefined && wrong.length === 0) return [];
    const what = allowed === undefined ? specifier : `${wrong.join(', ')} of ${specifier}`;
    return [`${path}:${line} imports ${what}: take a port instead.`];
  });
}

export type KindTable = Readonly<{
  kinds: readonly string[];
  /** Names that are types of items, too: comparing a `type` with them is no question about a kind. */
  itemTypes: readonly string[];
  /** Where kinds may be told apart. */
  allowedIn: readonly string[];
}>;

/** Code that branches on the kind of a task outside the kinds' own folder. */
export function kindViolations(files: Files, table: KindTable): string[] {
  const kinds = table.kinds.join('|');
  const quoted = `(?<quote>['"\`])(?<kind>${kinds})\\k<quote>`;
  const patterns = [
    new RegExp(`(?<compared>[\\w$.?!)\\]]+)\\s*[!=]==?\\s*${quoted}`, 'g'),
    new RegExp(`${quoted}\\s*[!=]==?\\s*(?<compared>[\\w$.?!]+)`, 'g'),
    new RegExp(`(?<keyword>case)\\s+${quoted}`, 'g'),
    new RegExp(`${quoted}[^\\]\\n]*\\]\\s*\\.includes\\(\\s*(?<compared>[\\w$.?!]+)`, 'g'),
  ];
  return sources(files)
    .filter(([path]) => isIn(path, 'src/') && !table.allowedIn.some((place) => isIn(path, place)))
    .flatMap(([path, text]) => {
      const { withoutComments, codeOnly } = sourceText(text);
      return patterns
        .flatMap((pattern) => [...withoutComments.matchAll(pattern)])
        .filter(({ index, groups = {} }) => {
          if (codeOnly[index] === ' ') return false;
          const compared = groups.keyword === undefined ? groups.compared : switchedOn(codeOnly, index);
          return !(table.itemTypes.includes(groups.kind ?? '') && /(^|\.)type$/.test(compared ?? ''));
        })
        .map(
          ({ index, groups = {} }) =>
            `${path}:${lineOf(text, index)} branches on the kind '${groups.kind}': give the kinds a property instead.`,
        );
    });
}

/** What the `switch` around a place looks at. */
function switchedOn(code: string, place: number): string | undefined {
  let depth = 0;
  let at = place - 1;
  while (at >= 0 && !(code[at] === '{' && depth === 0)) {
    if (code[at] === '}') depth += 1;
    if (code[at] === '{') depth -= 1;
    at -= 1;
  }
  return /switch\s*\(\s*([^()]*?)\s*\)\s*$/.exec(code.slice(0, at))?.[1];
}

/** Calls of the relay outside the channel, when there is more than the one that joins a child to its parent. */
export function relayViolations(files: Files): string[] {
  const calls = sources(files)
    .filter(([path]) => !isIn(path, 'src/channel/'))
    .flatMap(([path, text]) =>
      [...sourceText(text).codeOnly.matchAll(/(?<![\w$.]|function )relay\s*\(/g)].map(
        ({ index }) => `${path}:${lineOf(text, index)}`,
      ),
    );
  return calls.length > 1
    ? [`relay( is called in ${calls.length} places (${calls.join(', ')}): one forwarder is enough.`]
    : [];
}

/** Machines that cannot be drawn, told apart or trusted to stop. */
export function chartViolations(machines: readonly AnyStateMachine[]): string[] {
  return machines.flatMap((machine, index) => {
    const { id, options } = machine;
    const limit: unknown = options.maxIterations;
    const twin = machines.slice(0, index).some((other) => other.id === id);
    return [
      ...(twin ? [`${id}: two machines have this id.`] : []),
      ...(/^[a-z]+(-[a-z]+)*$/.test(id) ? [] : [`${id}: the id should be a name in kebab-case.`]),
      ...(Number.isFinite(limit)
        ? []
        : [`${id}: options.maxIterations should be a finite number, so that a loop is an error and no hang.`]),
      ...exportProblem(machine),
    ];
  });
}

function exportProblem(machine: AnyStateMachine): string[] {
  try {
    studioJson(machine);
    return [];
  } catch (error) {
    return [`${machine.id}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A guide at the door: how long it is, and whether the tree in its first fenced block is true. */
export function guideViolations(guide: string, paths: Iterable<string>, linesMax: number): string[] {
  const lines = guide.trimEnd().split('\n');
  const block = /^```[^\n]*\n(?<tree>[\s\S]*?)^```/m.exec(guide)?.groups?.tree;
  const existing = [...paths];
  const named = (block ?? '').split('\n').flatMap((line) => line.trim().split(/[\s,]+/)[0] || []);
  return [
    ...(lines.length > linesMax ? [`AGENTS.md has ${lines.length} lines: at most ${linesMax} get read.`] : []),
    ...(named.length === 0 ? ['AGENTS.md has no fenced block with the tree.'] : []),
    ...named
      .filter((name) => !existing.some((path) => path === name || path.startsWith(`${name.replace(/\/$/, '')}/`)))
      .map((name) => `AGENTS.md names ${name}, which is not there.`),
  ];
}

type Part = Readonly<{ name: string; level: number }>;

function partOf(path: string, table: LayerTable): Part | null {
  for (const [level, parts] of table.layers.entries()) {
    const name = parts.find((part) => isIn(path, part));
    if (name !== undefined) return { name, level };
  }
  return null;
}

function isIn(path: string, place: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}

function sources(files: Files): [string, string][] {
  return [...files].filter(([path]) => /^(src|machines)\/.*\.ts$/.test(path)).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The file that an import means; null when it is a package. */
function resolved(path: string, specifier: string, ownNames: LayerTable['ownNames']): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  return ownNames[specifier] ?? null;
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier.split('/')[0] ?? specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

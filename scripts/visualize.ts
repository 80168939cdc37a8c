// Writes the picture (Mermaid) and the Stately Studio config (JSON) of every machine into visualizations/.
// With --check it writes nothing: it names the files that are not what the machines would make, and exits with 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { chartOf, studioJson } from '../src/inspect/chart.ts';
import { mermaid } from '../src/inspect/mermaid.ts';

/** The machines among the exports of a module, each once, in the order of their ids. */
export function machinesIn(exports: Readonly<Record<string, unknown>>): AnyStateMachine[] {
  const machines = Object.values(exports).filter((value) => value instanceof StateMachine);
  return [...new Set(machines)].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What visualizations/ should hold: text by file name. Throws when two machines share an id or one cannot be exported. */
export function picturesOf(machines: readonly AnyStateMachine[]): ReadonlyMap<string, string> {
  const pictures = new Map<string, string>();
  for (const machine of machines) {
    if (pictures.has(`${machine.id}.mmd`)) {
      throw new Error(`Expected each machine to have an id of its own, got "${machine.id}" twice.`);
    }
    pictures.set(`${machine.id}.mmd`, mermaid(chartOf(machine)));
    pictures.set(`${machine.id}.json`, `${JSON.stringify(studioJson(machine), null, 2)}\n`);
  }
  return pictures;
}

/** Which files of a directory are missing, differ from the pictures, or are made by no machine (other kinds of file are nobody's business). */
export function differences(pictures: ReadonlyMap<string, string>, directory: string): Difference[] {
  const found = existsSync(directory) ? readdirSync(directory).sort() : [];
  const wanted = [...pictures].flatMap(([name, text]): Difference[] => {
    if (!found.includes(name)) return [{ name, what: 'missing' }];
    return readFileSync(join(directory, name), 'utf8') === text ? [] : [{ name, what: 'out of date' }];
  });
  const unknown = found.filter((name) => /\.(mmd|json)$/.test(name) && !pictures.has(name));
  return [...wanted, ...unknown.map((name): Difference => ({ name, what: 'made by no machine' }))];
}

/** Makes the directory hold the pictures, and removes those that no machine makes. */
export function writePictures(pictures: ReadonlyMap<string, string>, directory: string): Difference[] {
  const changes = differences(pictures, directory);
  mkdirSync(directory, { recursive: true });
  for (const { name } of changes) {
    const text = pictures.get(name);
    if (text === undefined) rmSync(join(directory, name));
    else writeFileSync(join(directory, name), text);
  }
  return changes;
}

export type Difference = Readonly<{ name: string; what: 'missing' | 'out of date' | 'made by no machine' }>;

if (import.meta.main) {
  const directory = join(import.meta.dirname, '..', 'visualizations');
  const pictures = picturesOf(machinesIn(await import('../machines/index.ts')));
  const check = process.argv.includes('--check');
  const changes = check ? differences(pictures, directory) : writePictures(pictures, directory);
  for (const { name, what } of changes) {
    if (check) console.error(`visualizations/${name} is ${what}.`);
    else console.log(`${what === 'made by no machine' ? 'removed' : 'wrote'} visualizations/${name}`);
  }
  if (check && changes.length > 0) {
    console.error('Run `npm run visualize` and commit what it writes.');
    process.exitCode = 1;
  }
}

// Writes what there is to see of every machine into visualizations/: a picture (SVG), a diagram (Mermaid) and the config
// for Stately Studio (JSON); for every kind its lifecycle with its work; and an index of it all.
// With --check it writes nothing: it names the files that are not what the machines would make, and exits with 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Elk from 'elkjs/lib/elk.bundled.js';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { type Chart, chartOf, studioJson } from '../src/inspect/chart.ts';
import { besideEachOther } from '../src/inspect/kind-picture.ts';
import { mermaid } from '../src/inspect/mermaid.ts';
import { layOut, type Picture } from '../src/inspect/picture.ts';
import { kindSvg, svg } from '../src/inspect/svg.ts';

/** The machines among the exports of a module, each once, in the order of their ids. */
export function machinesIn(exports: Readonly<Record<string, unknown>>): AnyStateMachine[] {
  const machines = Object.values(exports).filter((value) => value instanceof StateMachine);
  return [...new Set(machines)].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What visualizations/ should hold: text by file name. Throws when two machines share an id or one cannot be exported. */
export async function picturesOf(machines: readonly AnyStateMachine[]): Promise<ReadonlyMap<string, string>> {
  const elk = new Elk.default();
  const files = new Map<string, string>();
  const pictures = new Map<string, Picture>();
  for (const machine of machines) {
    if (pictures.has(machine.id)) {
      throw new Error(`Expected each machine to have an id of its own, got "${machine.id}" twice.`);
    }
    const chart = chartOf(machine);
    const picture = await layOut(chart, elk);
    pictures.set(machine.id, picture);
    files.set(`${machine.id}.svg`, svg(picture, { title: titleOf(chart) }));
    files.set(`${machine.id}.mmd`, mermaid(chart));
    files.set(`${machine.id}.json`, `${JSON.stringify(studioJson(machine), null, 2)}\n`);
  }
  const kinds = [...pictures.values()].flatMap((lifecycle) => {
    const work = pictures.get(`${lifecycle.id}-work`);
    return work === undefined ? [] : [{ lifecycle, work }];
  });
  for (const { lifecycle, work } of kinds) {
    const title = `A task of the kind ${lifecycle.id}: its lifecycle, and its work`;
    files.set(`kind-${lifecycle.id}.svg`, kindSvg(besideEachOther(lifecycle, { src: 'work', work }), { title }));
  }
  files.set(
    INDEX,
    indexOf(
      [...pictures.values()],
      kinds.map(({ lifecycle }) => lifecycle),
    ),
  );
  return files;
}

const INDEX = 'README.md';

function titleOf({ id, description }: Chart): string {
  return description === null ? `The state chart ${id}` : `The state chart ${id}: ${description}`;
}

function indexOf(machines: readonly Picture[], kinds: readonly Picture[]): string {
  const line = (name: string, { description }: Picture, links: readonly string[]): string =>
    `- [${name}](${name}.svg)${description === null ? '' : `: ${description}`}${links.map((link) => ` · ${link}`).join('')}`;
  return [
    '# Pictures of the charts',
    '',
    'Made from the machines by `npm run visualize`, and compared in CI: what is here is what runs. A box is a state, a pill an actor that',
    'lives as long as its state; an arrow says the event, `[what must hold]` and `/ what is done`. What stands in a box without an arrow',
    'leaves it as it is. JSON is for import into Stately Studio.',
    '',
    '## Kinds of tasks, each with its lifecycle and its work',
    '',
    ...kinds.map((kind) => line(`kind-${kind.id}`, kind, [])),
    '',
    '## Machines',
    '',
    ...machines.map((machine) =>
      line(machine.id, machine, [`[Mermaid](${machine.id}.mmd)`, `[JSON](${machine.id}.json)`]),
    ),
    '',
  ].join('\n');
}

/** Which files of a directory are missing, differ from the pictures, or are made by no machine (other kinds of file are nobody's business). */
export function differences(pictures: ReadonlyMap<string, string>, directory: string): Difference[] {
  const found = existsSync(directory) ? readdirSync(directory).sort() : [];
  const wanted = [...pictures].flatMap(([name, text]): Difference[] => {
    if (!found.includes(name)) return [{ name, what: 'missing' }];
    return readFileSync(join(directory, name), 'utf8') === text ? [] : [{ name, what: 'out of date' }];
  });
  const unknown = found.filter((name) => /\.(svg|mmd|json)$/.test(name) && !pictures.has(name));
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
  const pictures = await picturesOf(machinesIn(await import('../machines/index.ts')));
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

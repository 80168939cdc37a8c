// Writes the pictures (SVG and Mermaid) and the Stately Studio config (JSON) of every machine into visualizations/, one picture of
// each kind's lifecycle with its work, and an index of them all.
// With --check it writes nothing: it names the files that are not what the machines would make, and exits with 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import elkjs from 'elkjs/lib/elk.bundled.js';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { type Chart, chartOf, studioJson } from '../src/inspect/chart.ts';
import { mermaid } from '../src/inspect/mermaid.ts';
import { type Elk, layOut } from '../src/inspect/picture.ts';
import { svg } from '../src/inspect/svg.ts';

/** How the machine of a kind's work is called beside the kind itself. */
const WORK = '-work';

/** The machines among the exports of a module, each once, in the order of their ids. */
export function machinesIn(exports: Readonly<Record<string, unknown>>): AnyStateMachine[] {
  const machines = Object.values(exports).filter((value) => value instanceof StateMachine);
  return [...new Set(machines)].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * What visualizations/ should hold: text by file name. Rejects when two machines share an id, or when one cannot be exported, because
 * an implementation in it has no name.
 */
export async function picturesOf(machines: readonly AnyStateMachine[]): Promise<ReadonlyMap<string, string>> {
  const pictures = new Map<string, string>();
  const charts = new Map<string, Chart>();
  const elk = newElk();
  for (const machine of machines) {
    if (charts.has(machine.id)) {
      throw new Error(`Expected each machine to have an id of its own, got "${machine.id}" twice.`);
    }
    const chart = chartOf(machine);
    charts.set(machine.id, chart);
    pictures.set(`${machine.id}.svg`, await drawn(elk, [[chart, '']], chart.id, chart.description ?? ''));
    pictures.set(`${machine.id}.mmd`, mermaid(chart));
    pictures.set(`${machine.id}.json`, `${JSON.stringify(studioJson(machine), null, 2)}\n`);
  }
  const kinds = [...charts].flatMap(([id, lifecycle]) => {
    const work = charts.get(`${id}${WORK}`);
    return work === undefined ? [] : [{ lifecycle, work }];
  });
  for (const { lifecycle, work } of kinds) {
    const title = `The kind ${lifecycle.id}: its lifecycle, and the work in it`;
    const text = await drawn(
      elk,
      [
        [lifecycle, 'lifecycle'],
        [work, 'work'],
      ],
      title,
      lifecycle.description ?? '',
    );
    pictures.set(`kind-${lifecycle.id}.svg`, text);
  }
  pictures.set(
    'README.md',
    indexOf(
      [...charts.values()],
      kinds.map(({ lifecycle }) => lifecycle),
    ),
  );
  return pictures;
}

function newElk(): Elk {
  // The package's own types say that its default export is a module.
  return new (elkjs as unknown as new () => Elk)();
}

async function drawn(
  elk: Elk,
  charts: readonly (readonly [Chart, string])[],
  title: string,
  description: string,
): Promise<string> {
  const laid = await Promise.all(
    charts.map(async ([chart, caption]) => ({ picture: await layOut(chart, elk), caption })),
  );
  return svg(laid, { title, description });
}

function indexOf(charts: readonly Chart[], kinds: readonly Chart[]): string {
  const line = ({ id, description }: Chart) =>
    `- **${id}** — ${description ?? ''} [picture](${id}.svg) · [Mermaid](${id}.mmd) · [config for Stately Studio](${id}.json)`;
  return [
    '# The charts',
    '',
    'Made from `machines/` by `npm run visualize`; CI compares them. These are the charts that run, not drawings of them.',
    '',
    ...(kinds.length === 0 ? [] : ['## The kinds of task, each with its work', '']),
    ...kinds.map(({ id, description }) => `- **${id}** — ${description ?? ''} [picture](kind-${id}.svg)`),
    ...(kinds.length === 0 ? [] : ['']),
    '## The machines',
    '',
    ...charts.map(line),
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
  const unknown = found.filter((name) => /\.(mmd|json|svg|md)$/.test(name) && !pictures.has(name));
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

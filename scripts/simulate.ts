// Runs sessions in a simulated world, where one seed decides all that happens, and checks what holds for every session tree.
//   npm run simulate -- --seeds 1000             seeds 0 to 999
//   npm run simulate -- --seeds 1000000 --progress FILE    goes on where FILE says that it was stopped
//   npm run simulate -- --seed 17                one seed, with all that it tells
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SessionEvent } from '../src/index.ts';
import { pathText } from '../src/index.ts';
import { watchPoints, watchRun } from '../src/testing/index.ts';
import { brokenLaws, eventsOf } from '../test/simulation/laws.ts';
import { runSwarm } from '../test/simulation/swarm.ts';

/** How often it is said how far it has come, in ms. */
const SAY_EVERY_MS = 2_000;

export type Simulated = Readonly<{
  seed: number;
  events: readonly SessionEvent[];
  broken: readonly string[];
  hash: string;
}>;

/** One seed, and what was broken in it, in words. */
export async function simulate(seed: number, points: Set<string> = new Set()): Promise<Simulated> {
  const { world, unkept, pending } = await runSwarm(seed);
  const events = eventsOf(world.trace());
  const run = watchRun();
  const reached = watchPoints();
  for (const event of events) {
    run.event(event);
    reached.event(event);
  }
  for (const point of reached.reached()) points.add(point);
  const broken = [
    ...run.end().map(({ id, promise, why }) => `${id} (${promise}): ${why}`),
    ...brokenLaws(world),
    ...unkept.map((what) => `never came: ${what}`),
    ...pending.map(({ id }) => `still asked in the end: ${id}`),
  ];
  return { seed, events, broken, hash: world.traceHash() };
}

/** What is kept of a long run, so that it can be stopped and go on. Seeds of another version have run other programs. */
type Progress = { readonly from: number; readonly version: string; next: number; bad: number[]; points: string[] };

const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

function progressIn(file: string | undefined, from: number): Progress {
  if (file === undefined || !existsSync(file)) return { from, version: VERSION, next: from, bad: [], points: [] };
  const kept: Progress = JSON.parse(readFileSync(file, 'utf8'));
  if (kept.from === from && kept.version === VERSION) return kept;
  throw new Error(
    `Expected ${file} to be of seeds from ${from} with version ${VERSION}, got one of seeds from ${kept.from} with version ${kept.version}. Name another file, or remove this one.`,
  );
}

/** All of it or nothing, whenever the process is cut. */
function keepProgress(file: string, progress: Progress): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(progress)}\n`);
  renameSync(`${file}.new`, file);
}

async function simulateMany(until: number, from: number, file: string | undefined): Promise<number> {
  const progress = progressIn(file, from);
  const points = new Set(progress.points);
  const startedAt = performance.now();
  const first = progress.next;
  let saidAt = startedAt;
  let isStopped = false;
  process.once('SIGINT', () => {
    isStopped = true;
  });
  const rate = () => ((progress.next - first) / ((performance.now() - startedAt) / 1_000)).toFixed(0);
  const keep = () => {
    progress.points = [...points].toSorted();
    if (file !== undefined) keepProgress(file, progress);
  };
  while (progress.next < until && !isStopped) {
    const { seed, broken } = await simulate(progress.next, points);
    progress.next += 1;
    if (broken.length > 0) {
      progress.bad.push(seed);
      process.stdout.write(`seed ${seed}:\n${broken.map((line) => `  ${line}\n`).join('')}`);
    }
    if (performance.now() - saidAt < SAY_EVERY_MS) continue;
    saidAt = performance.now();
    keep();
    process.stderr.write(`${progress.next} of ${until} seeds, ${rate()} a second, ${progress.bad.length} broken\n`);
  }
  keep();
  const how = isStopped ? 'stopped at' : 'done:';
  process.stdout.write(
    `${how} ${progress.next} seeds, ${rate()} a second, ${progress.bad.length} broken, ${points.size} points reached\n`,
  );
  if (progress.bad.length > 0) process.stdout.write(`Look at one: npm run simulate -- --seed ${progress.bad[0]}\n`);
  return progress.bad.length === 0 ? 0 : 1;
}

async function simulateOne(seed: number): Promise<number> {
  const one = await simulate(seed);
  for (const event of one.events) {
    const { seq, time, sessionId, path, taskId, epoch: _epoch, ...body } = event;
    process.stdout.write(
      `${time.slice(11)} ${pathText(path)} ${sessionId.slice(-4)} ${taskId ?? ''} ${JSON.stringify({ seq, ...body })}\n`,
    );
  }
  const again = await simulate(seed);
  process.stdout.write(
    `trace ${one.hash}${again.hash === one.hash ? ', and the same again' : `, and then ${again.hash}`}\n`,
  );
  for (const line of one.broken) process.stdout.write(`${line}\n`);
  process.stdout.write(one.broken.length === 0 ? 'nothing is broken\n' : `${one.broken.length} broken\n`);
  return one.broken.length === 0 && again.hash === one.hash ? 0 : 1;
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`Expected --${name} to be a number from 0, got "${text}".`);
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        progress: { type: 'string' },
      },
    });
    const { seed, seeds = '1000', from = '0', progress } = values;
    const begin = numberOf('from', from);
    process.exitCode =
      seed === undefined
        ? await simulateMany(begin + numberOf('seeds', seeds), begin, progress)
        : await simulateOne(numberOf('seed', seed));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

// Runs sessions in a simulated world, where one seed decides all that happens, and checks what holds for every session tree.
//   npm run simulate -- --seeds 1000             seeds 0 to 999
//   npm run simulate -- --seeds 1000000 --progress FILE    goes on where FILE says that it was stopped
//   npm run simulate -- --seeds 1000 --twice     each twice: it has to go the same way
//   npm run simulate -- --seed 17                one seed, with all that it tells
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { pathText } from '../src/index.ts';
import { programOf } from '../test/simulation/program.ts';
import { breaksAs, shrunk } from '../test/simulation/shrink.ts';
import { simulate } from '../test/simulation/simulate.ts';

/** How often it is said how far it has come, in ms. */
const SAY_EVERY_MS = 2_000;

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

type Many = Readonly<{ until: number; from: number; file: string | undefined; twice: boolean }>;

async function simulateMany({ until, from, file, twice }: Many): Promise<number> {
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
    const seed = progress.next;
    const { broken: found, hash } = await simulate(programOf(seed), points);
    const isSame = !twice || (await simulate(programOf(seed))).hash() === hash();
    const broken = isSame ? found : [...found, 'went another way the second time'];
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
  const whole = await simulate(programOf(seed));
  const program = whole.broken.length === 0 ? whole.program : await shrunk(whole.program, breaksAs(whole));
  const one = await simulate(program);
  process.stdout.write(`program ${JSON.stringify(program)}\n`);
  for (const event of one.events) {
    const { seq, time, sessionId, path, taskId, epoch: _epoch, ...body } = event;
    process.stdout.write(
      `${time.slice(11)} ${pathText(path)} ${sessionId.slice(-4)} ${taskId ?? ''} ${JSON.stringify({ seq, ...body })}\n`,
    );
  }
  const again = await simulate(program);
  const isSame = again.hash() === one.hash();
  process.stdout.write(`trace ${one.hash()}${isSame ? ', and the same again' : `, and then ${again.hash()}`}\n`);
  if (program !== whole.program)
    process.stdout.write(`${whole.program.acts.length} acts made ${program.acts.length}; what is broken in the end:\n`);
  for (const line of one.broken) process.stdout.write(`${line}\n`);
  process.stdout.write(one.broken.length === 0 ? 'nothing is broken\n' : `${one.broken.length} broken\n`);
  return one.broken.length === 0 && isSame ? 0 : 1;
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
        twice: { type: 'boolean', default: false },
      },
    });
    const { seed, seeds = '1000', from = '0', progress, twice } = values;
    const begin = numberOf('from', from);
    process.exitCode =
      seed === undefined
        ? await simulateMany({ until: begin + numberOf('seeds', seeds), from: begin, file: progress, twice })
        : await simulateOne(numberOf('seed', seed));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually, knownOf, left } from '../../scripts/torture/census.ts';
import { guardianOf, killOrchestrator } from '../../scripts/torture/kill-ourselves.ts';
import { ESCAPES_OF_A_GROUP, killAtRandom, tidyUp } from '../../scripts/torture/own-death.ts';
import { newTag } from '../../scripts/torture/trees.ts';
import { groundsIn, procOf } from '../../scripts/torture/ways.ts';
import { rounds } from '../rounds.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-own-death-')));
const { container } = await procOf('container').containment();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rmSync(base, { recursive: true }));

describe.skipIf(process.platform !== 'linux')('when this process is killed (SIGKILL)', () => {
  it.skipIf(!container).each(['sandbox', 'container'] as const)(
    'nothing of its commands is left, at whatever moment of their start: %s',
    { timeout: 120_000 },
    async (way) => {
      const aftermaths = await killAtRandom(way, base, rounds(16));
      expect(aftermaths.map(({ left }) => left)).toEqual(aftermaths.map(() => 0));
    },
  );

  it.skipIf(!container)('the next command removes what stood for reserved names', async () => {
    await killOrchestrator('sandbox', base, 'ready');
    const { work } = groundsIn(base);
    expect(readdirSync(work)).not.toEqual([]);
    await tidyUp(base);
    expect(readdirSync(work)).toEqual([]);
  });

  it('nothing is left without containers but what has cleared its environment', async () => {
    const aftermath = await killOrchestrator('group', base, 'ready', ESCAPES_OF_A_GROUP);
    expect(aftermath.left).toBe(ESCAPES_OF_A_GROUP);
  });
});

const PATHS = ['../../src/process/system-proc.ts', '../../src/runtime/clock.ts'] as const;
const [SYSTEM_PROC, CLOCK] = PATHS.map((path) => new URL(path, import.meta.url).href);

/** JavaScript that has `proc`, and `spec(argv, confinement)`. */
const PRELUDE = `
  const { systemProc } = await import(${JSON.stringify(SYSTEM_PROC)});
  const { systemClock } = await import(${JSON.stringify(CLOCK)});
  const proc = systemProc(systemClock);
  const spec = (argv, confinement) => ({
    argv, cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeoutMs: 600000, graceMs: 100, keepBytes: 1000, outputMaxBytes: 10000, confinement,
  });
`;

/** Runs JavaScript in a process of its own, and tells what it wrote so far, and when it has ended. */
function run(script: string, env: Readonly<Record<string, string>> = {}) {
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PRELUDE + script];
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, text: () => text, ended };
}

describe.skipIf(process.platform !== 'linux')('the guardian', () => {
  it('is there with the first command, keeps nobody from ending, and goes with a process that ends by itself', async () => {
    const { child, text, ended } = run(`
      await proc.spawn(spec(['true'])).ended;
      process.stdout.write('done');
      setTimeout(() => {}, 1500);
    `);
    expect(await eventually(() => text() === 'done', 10_000)).toBe(true);
    const guardian = guardianOf(child.pid ?? 0);
    if (guardian === null) throw new Error('Expected a guardian.');
    expect(await ended).toBe(0);
    expect(await eventually(() => guardianOf(child.pid ?? 0) === null, 1_000)).toBe(true);
  });

  it('ends what runs when the process ends without waiting for it', async () => {
    const tag = newTag();
    const { text, ended } = run(`
      proc.spawn({ ...spec(['bash', '-c', 'setsid sleep ${tag} & echo ready; wait']), onOutput: (text) => process.stdout.write(text, () => process.exit(0)) });
    `);
    await ended;
    expect(text()).toBe('ready\n');
    expect(await eventually(() => left(knownOf(tag)).length === 0, 5_000)).toBe(true);
  });

  it('is another with the next command after it was killed', async () => {
    const again = run(`
      await proc.spawn(spec(['true'])).ended;
      process.stdout.write('one');
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await proc.spawn(spec(['true'])).ended;
      process.stdout.write('two');
      setInterval(() => {}, 1000);
    `);
    expect(await eventually(() => again.text() === 'one', 10_000)).toBe(true);
    const before = guardianOf(again.child.pid ?? 0);
    if (before === null) throw new Error('Expected a guardian.');
    process.kill(before, 'SIGKILL');
    expect(await eventually(() => again.text() === 'onetwo', 10_000)).toBe(true);
    const after = guardianOf(again.child.pid ?? 0);
    expect([after === null, after === before]).toEqual([false, false]);
  });
});

describe.skipIf(process.platform !== 'linux')('a thread that is not the main one', () => {
  const inThread = (script: string) => `
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(${JSON.stringify(`(async () => { const { parentPort } = await import('node:worker_threads'); ${PRELUDE} ${script} })()`)}, { eval: true });
    worker.on('message', (message) => process.stdout.write(JSON.stringify(message) + '\\n'));
  `;

  it('is told that its commands cannot be confined, and runs none that has to be', async () => {
    const { text, ended } = run(
      inThread(`
        const profile = { writableRoots: [], protectedNames: [], reservedNames: [], visible: [], hidden: [], network: false, state: '/nowhere' };
        const facts = await proc.containment();
        const sandboxed = await proc.spawn(spec(['true'], { type: 'sandbox', profile })).ended;
        const contained = await proc.spawn(spec(['bash', '-c', 'readlink /proc/self/ns/pid'], { type: 'container' })).ended;
        parentPort.postMessage([facts.sandbox, facts.container, sandboxed.status, sandboxed.error, contained.output.text]);
      `),
    );
    await ended;
    const why =
      'commands are confined only when the main thread of Node starts them, because they would die with any other thread.';
    expect(JSON.parse(text())).toEqual([
      false,
      false,
      'not-started',
      `The command was not run, because it would not be confined: ${why}`,
      expect.stringMatching(/^pid:\[\d+\]\n$/),
    ]);
  });

  it('takes its commands with it when it ends, though the process lives on', async () => {
    const tag = newTag();
    const inside = `
      const command = 'echo ready; sleep ' + process.env.TAG;
      proc.spawn({ ...spec(['bash', '-c', command], { type: 'container' }), onOutput: (text) => parentPort.postMessage(text) });
    `;
    const outside = "worker.on('message', () => worker.terminate()); setInterval(() => {}, 1000);";
    // Not among the arguments of the process itself, which would be found by it.
    const { text } = run(inThread(inside) + outside, { TAG: tag });
    expect(await eventually(() => text().includes('ready'), 10_000)).toBe(true);
    expect(await eventually(() => left(knownOf(tag)).length === 0, 5_000)).toBe(true);
  });
});

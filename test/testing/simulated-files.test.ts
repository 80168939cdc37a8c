import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import { type SeededRng, seededRng } from '../../src/testing/seeded-rng.ts';
import type { SimulatedFiles } from '../../src/testing/simulated-files.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import type { Files } from '../../src/tools/files.ts';

const LINKS = { 'to-b': 'b', 'b/up': '..', 'b/to-file': 'file', round: 'round', nowhere: 'missing/x', 'far/a': '../b' };

/** The same small tree, with links of every sort, in the simulation and on this machine. */
async function twoTrees(simulated: SimulatedFiles): Promise<string> {
  const root = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'troupe-simulated-')));
  onTestFinished(() => fs.rm(root, { recursive: true, force: true }));
  for (const path of ['b/c', 'far']) {
    await fs.mkdir(join(root, path), { recursive: true });
    simulated.putDirectory(join(root, path));
  }
  await fs.writeFile(join(root, 'b/file'), 'text');
  await fs.chmod(join(root, 'b/file'), 0o754);
  simulated.put(join(root, 'b/file'), 'text', 0o754);
  for (const [path, target] of [...Object.entries(LINKS), ['absolute', join(root, 'b')] as const]) {
    await fs.symlink(target, join(root, path));
    simulated.put(join(root, path), { link: target });
  }
  return root;
}

const NAMES = [
  'b',
  'c',
  'far',
  'a',
  'file',
  'to-b',
  'up',
  'to-file',
  'round',
  'nowhere',
  'absolute',
  'new',
  'x'.repeat(256),
];

type Operation = Readonly<{ what: keyof Files; path: string; run: (files: Files) => Promise<unknown> }>;

function operationOf(rng: SeededRng, root: string): Operation {
  const path = join(root, ...Array.from({ length: rng.integer(1, 3) }, () => rng.pick(NAMES)));
  const what = rng.pick<keyof Files>([
    'kind',
    'realPath',
    'read',
    'mode',
    'write',
    'write',
    'remove',
    'makeDirectory',
    'makeDirectory',
    'removeDirectory',
  ]);
  const mode = rng.pick([undefined, undefined, 0o600]);
  const run = (files: Files): Promise<unknown> =>
    what === 'write' ? files.write(path, Buffer.from(`by ${path}`), mode) : files[what](path);
  return { what, path, run };
}

/** What an operation gives: its value, or the code of its error. */
async function resultOf(work: Promise<unknown>): Promise<unknown> {
  try {
    const value = await work;
    return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

const simulatedResult = (simulated: SimulatedWorld, run: Operation['run']) =>
  simulated.settled(resultOf(run(simulated.files)));

describe('simulated files', () => {
  it.skipIf(process.platform !== 'linux')(
    'do what the files of this machine do, errors included (skipped where that is no Linux)',
    async () => {
      const codes = new Set<unknown>();
      for (let seed = 0; seed < 20; seed += 1) {
        const simulated = world(seed);
        const root = await twoTrees(simulated.files);
        const rng = seededRng(`operations ${seed}`);
        for (let count = 0; count < 60; count += 1) {
          const { what, path, run } = operationOf(rng, root);
          const real = await resultOf(run(systemFiles));
          expect([what, path, await simulatedResult(simulated, run)]).toEqual([what, path, real]);
          codes.add(real);
        }
      }
      // All of these were met, or this shows little.
      for (const code of ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ELOOP', 'EINVAL', 'ENAMETOOLONG'])
        expect(codes).toContain(code);
    },
  );

  it('take simulated time, and change when it has passed', async () => {
    const simulated = world('slow files');
    const writing = simulated.files.write('/work/a', Buffer.from('new'));
    expect(simulated.files.tree()).toEqual({ '/work': '<directory>' });
    expect(simulated.waiting()).toEqual([expect.stringMatching(/^in \d+ ms: write of \/work\/a$/)]);
    await simulated.settled(writing);
    expect(simulated.files.tree()).toEqual({ '/work/a': 'new' });
    expect(simulated.trace()).toMatchObject([{ type: 'file.changed', change: 'write', path: '/work/a' }]);
  });

  it('hand out copies', async () => {
    const simulated = world(1);
    simulated.files.put('/work/a', 'old');
    (await simulated.settled(simulated.files.read('/work/a'))).fill(0);
    expect(simulated.files.tree()).toEqual({ '/work/a': 'old' });
  });

  it('are shown with their links and empty directories', () => {
    const { files } = world(1);
    files.put('/work/b/a', new Uint8Array([65]));
    files.put('/work/a', { link: 'b/a' });
    files.putDirectory('/work/c');
    expect(files.tree()).toEqual({ '/work/a': '-> b/a', '/work/b/a': 'A', '/work/c': '<directory>' });
    expect(() => files.put('/work/b/a/below', '')).toThrow('Expected a in /work/b/a to be a directory, got a file');
  });

  it('want absolute paths', async () => {
    await expect(world(1).files.read('a')).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

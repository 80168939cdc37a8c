import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workHistoryAt } from '../src/here/work-history.ts';
import { systemProc } from '../src/process/system-proc.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { Bench, Figures } from './measures.ts';

/** Files in a directory, as a project has them. */
const PER_DIRECTORY = 50;
/** How many files a task changes between two checkpoints. */
const CHANGED = 20;

/** A checkpoint of a work tree of so many files, the next one after a few have changed, and what is kept of both. */
export async function measureSnapshots({ size }: Bench): Promise<Figures> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-bench-snapshots-')));
  try {
    const root = join(base, 'work');
    for (let file = 0; file < size.count; file += 1) {
      const directory = join(root, `d${Math.floor(file / PER_DIRECTORY)}`);
      if (file % PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `f${file}.ts`), `export const value${file} = ${'x'.repeat(file % 2_000)};\n`);
    }
    // What has just been written may change again within the same tick of the file system's clock: it is read again.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const proc = systemProc(systemClock);
    const options = {
      proc,
      clock: systemClock,
      path: process.env.PATH ?? '',
      userHomes: [],
      home: join(base, 'home'),
      sandboxSettings: {},
      limits: { durationMaxMs: 600_000 },
    };
    const opened = await workHistoryAt(root, options);
    if (!opened.ok) throw new Error(opened.why);
    const take = async (id: string) => {
      const startedAt = performance.now();
      const taken = await opened.value.begin(
        { id, sessionId: 's', taskId: 't', by: 'asked' },
        new AbortController().signal,
      );
      if (!taken.ok) throw new Error(taken.message);
      return performance.now() - startedAt;
    };
    const firstMs = await take('1');
    for (let file = 0; file < CHANGED; file += 1) writeFileSync(join(root, `d0/f${file}.ts`), 'changed\n');
    const secondMs = await take('2');
    return { firstMs, secondMs, secondPart: secondMs / firstMs, storeMb: bytesIn(join(base, 'home')) / 1_048_576 };
  } finally {
    rmSync(base, { recursive: true });
  }
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
}

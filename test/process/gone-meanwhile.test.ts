import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';

/** What is removed as soon as it has been found. */
const going = vi.hoisted(() => ({ path: '' }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    realpathSync(path: string) {
      const found = fs.realpathSync(path);
      if (found === going.path) fs.rmSync(found);
      return found;
    },
  };
});

it('what was to be hidden in a sandbox and goes away as it is looked at is not covered, and the rest is', async () => {
  const { sandboxArguments } = await import('../../src/process/bubblewrap-arguments.ts');
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-gone-')));
  const [gone, kept] = [join(base, 'gone'), join(base, 'kept')];
  for (const path of [gone, kept]) writeFileSync(path, '');
  going.path = gone;
  const profile = {
    writableRoots: [],
    protectedNames: [],
    reservedNames: [],
    visible: [],
    network: false,
    state: base,
  };
  try {
    const { arguments: words, leave } = sandboxArguments({ ...profile, hidden: [gone, kept] });
    leave();
    expect([gone, kept].map((path) => words.includes(path))).toEqual([false, true]);
  } finally {
    rmSync(base, { recursive: true });
  }
});

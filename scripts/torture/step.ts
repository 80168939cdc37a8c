import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

/** Tells one line of what was found. */
export type Say = (line: string) => void;

/** One part of `npm run torture`; it throws when something is not as promised. */
export type Step = Readonly<{ name: string; run(say: Say): Promise<void> }>;

/** Runs a step by itself, as the program that its file is. */
export async function runAlone({ name, run }: Step): Promise<void> {
  await run((line) => process.stdout.write(`${name}: ${line}\n`));
}

/** Who has no rights on any system. */
const NOBODY = 65_534;

/** As root, runs the file of a step once more as a user without rights, with the same words. Throws when that fails. */
export async function runAsNobody(path: string, words: readonly string[], say: Say): Promise<void> {
  if (process.getuid?.() !== 0) return;
  say('the same as a user without rights');
  const code = await new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...words], {
      // Not '/': bubblewrap is not taken from below where we work.
      cwd: tmpdir(),
      uid: NOBODY,
      gid: NOBODY,
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`Expected ${path} to succeed as a user without rights, it ended with ${code}.`);
}

// Run by `npm test` before the suites: installs what some of them need where that can be done without asking (root, on
// Debian); elsewhere it says what is missing and which suites will be skipped. It never fails the run.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a suite needs that npm does not bring: the command that it runs, and Debian's package for it. */
export type Need = Readonly<{ suite: string; command: string; debianPackage: string }>;

export const NEEDS: readonly Need[] = [
  { suite: 'checkpoints, undo and reviews of changes', command: 'git', debianPackage: 'git' },
  { suite: 'the package as npm packs it', command: 'git', debianPackage: 'git' },
  { suite: 'the sandbox and process containers', command: 'bwrap', debianPackage: 'bubblewrap' },
  { suite: 'the page in a browser', command: 'chromium', debianPackage: 'chromium' },
  { suite: 'calls of the kernel that fail under a log', command: 'strace', debianPackage: 'strace' },
];

/** How long apt-get may take for one of its steps. */
const APT_MS = 180_000;

/** The needs whose command is nowhere on `path`. */
export function missingNeeds(needs: readonly Need[], path: string): Need[] {
  return needs.filter(({ command }) => !isOnPath(command, path));
}

/** What to say about needs that stay unmet. */
export function skipNotice(missing: readonly Need[]): string {
  return missing
    .map(({ suite, command, debianPackage }) => {
      const remedy = `Install it (Debian: apt-get install ${debianPackage}) to run them.`;
      return `${command} is missing: the suites about ${suite} will be skipped. ${remedy}\n`;
    })
    .join('');
}

function isOnPath(command: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false; // Not here; perhaps in the next folder.
    }
  });
}

/** Tries what is known of the packages first: fetching the lists anew takes longer than most installs. */
function install(missing: readonly Need[]): void {
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  console.log(`Installing what the suites need: ${packages.join(', ')}.`);
  const add = ['install', '-y', '--no-install-recommends', ...packages];
  if (!apt(add) && apt(['update'])) apt(add);
}

function apt(words: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', words, { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: APT_MS });
  return status === 0;
}

if (import.meta.main) {
  const path = process.env.PATH ?? '';
  const missing = missingNeeds(NEEDS, path);
  const canInstall = process.getuid?.() === 0 && isOnPath('apt-get', path);
  if (missing.length > 0 && canInstall) install(missing);
  process.stderr.write(skipNotice(missingNeeds(missing, path)));
}

import { readdir, readFile } from 'node:fs/promises';
import { OWN_MARKER } from '../../src/process/guardian.ts';

/**
 * The living processes that a command of ours has started and that are still there: those with the marker TROUPE_CALL
 * in their environment, whatever its value where none is given. Zombies, and processes that share the marker of this
 * process itself, are none of them.
 */
export async function survivors(marker?: string): Promise<number[]> {
  if (marker !== undefined) return processesWith(`TROUPE_CALL=${marker}`);
  const own = process.env.TROUPE_CALL;
  return processesWhere((entries) =>
    entries.some((entry) => entry.startsWith('TROUPE_CALL=') && entry !== `TROUPE_CALL=${own}`),
  );
}

/** The living processes of commands that this process has started. */
export async function ownSurvivors(): Promise<number[]> {
  return processesWhere((entries) => entries.some((entry) => entry.startsWith(`TROUPE_CALL=${OWN_MARKER}`)));
}

/** The living processes that have `entry` (`NAME=value`) in their environment; zombies have none. */
export async function processesWith(entry: string): Promise<number[]> {
  return processesWhere((entries) => entries.includes(entry));
}

async function processesWhere(matches: (entries: readonly string[]) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment, stat] = await Promise.all([readText(`/proc/${pid}/environ`), readText(`/proc/${pid}/stat`)]);
      const zombie = / [ZX] /.test(stat.slice(stat.lastIndexOf(')'), stat.lastIndexOf(')') + 4));
      return !zombie && matches(environment.split('\0')) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** A process that has gone meanwhile has nothing to read. */
async function readText(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '');
}

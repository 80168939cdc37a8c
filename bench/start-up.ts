import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from './measures.ts';
import type { PeerName } from './peer.ts';
import type { Size } from './scenarios.ts';
import { quantile } from './statistics.ts';

const TROUPE = join(import.meta.dirname, '../bin/troupe');

/**
 * The time from the start of a process to what it first says: of `troupe exec --json`, its first event; of the baseline,
 * `node -e 0`, its end. The cache of compiled modules is warm after the first starts, as it is for a user.
 */
export async function measureStartUp(peer: PeerName, { warmUp, count }: Size, serverURL: string): Promise<Figures> {
  const home = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  const env = { ...process.env, TROUPE_HOME: home, OPENAI_API_KEY: 'none', OPENAI_BASE_URL: `${serverURL}/v1` };
  const begin = () =>
    peer === 'baseline'
      ? firstWord(process.execPath, ['-e', '0'], env)
      : firstWord(TROUPE, ['exec', '--json', '-m', 'text-5', 'Please go on.'], env);
  try {
    const times: number[] = [];
    for (let done = 0; done < warmUp + count; done += 1) times.push(await begin());
    return { wallMs: quantile(times.slice(warmUp), 0.5) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** In ms; settles when the process has ended. */
function firstWord(command: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const at = performance.now();
    const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let first: number | null = null;
    child.stdout.on('data', () => {
      first ??= performance.now() - at;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(first ?? performance.now() - at);
      else reject(new Error(`Expected ${command} to end well, got exit code ${code}.`));
    });
  });
}

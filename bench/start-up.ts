import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installCommand } from '../scripts/install-command.ts';
import type { Figures } from './measures.ts';
import type { PeerName } from './peer.ts';
import type { Row, Size } from './scenarios.ts';
import { quantile } from './statistics.ts';

const ROOT = join(import.meta.dirname, '..');

/** What is awaited of `troupe exec --json`: the name of the thread, and that the model is about to be asked. */
const AWAITED = { First: 'thread.started', Turn: 'turn.started' } as const;
type Awaited = keyof typeof AWAITED;

const WAYS = ['installed', 'clone'] as const;
type Way = (typeof WAYS)[number];

const figureOf = (way: Way, awaited: Awaited) => `${way}${awaited}Ms`;

/** What people start is what they have installed: the aim is for that. */
export const START_UP_ROWS: readonly Row[] = [
  {
    figure: figureOf('installed', 'First'),
    what: 'start of `troupe exec`, installed, to its first event; of `node -e 0`',
    unit: 'ms',
    target: { of: 'ratio', atMost: 3 },
  },
  { figure: figureOf('installed', 'Turn'), what: 'the same, to the start of its turn', unit: 'ms', target: null },
  { figure: figureOf('clone', 'First'), what: 'the same, of a clone, to its first event', unit: 'ms', target: null },
  { figure: figureOf('clone', 'Turn'), what: 'the same, to the start of its turn', unit: 'ms', target: null },
];

/**
 * The time from the start of a process to what it says: of `troupe exec --json`, as it is installed and in a clone, to two
 * of its events; of the baseline, `node -e 0`, to its end. The cache of compiled modules is warm after the first starts, as
 * it is for a user.
 */
export async function measureStartUp(peer: PeerName, size: Size, serverURL: string): Promise<Figures> {
  const place = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  const env = {
    ...process.env,
    TROUPE_HOME: join(place, 'home'),
    XDG_CACHE_HOME: join(place, 'cache'),
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: `${serverURL}/v1`,
  };
  const samples: Record<string, number[]> = {};
  const keep = (figure: string, ms: number) => {
    samples[figure] ??= [];
    samples[figure].push(ms);
  };
  try {
    const programs =
      peer === 'baseline' ? null : { installed: await installCommand(place), clone: join(ROOT, 'bin/troupe') };
    for (let done = 0; done < size.warmUp + size.count; done += 1) {
      for (const way of WAYS) {
        const times =
          programs === null
            ? await timesOf(process.execPath, ['-e', '0'], env)
            : await timesOf(programs[way], ['exec', '--json', '-m', 'text-5', 'Please go on.'], env);
        if (done < size.warmUp) continue;
        for (const awaited of ['First', 'Turn'] as const) keep(figureOf(way, awaited), times[awaited]);
      }
    }
    return Object.fromEntries(Object.entries(samples).map(([figure, times]) => [figure, quantile(times, 0.5)]));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** In ms; of a program that says none of it, its end. Settles when the process has ended. */
function timesOf(command: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Record<Awaited, number>> {
  return new Promise((resolve, reject) => {
    const at = performance.now();
    const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const seen: Partial<Record<Awaited, number>> = {};
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes(AWAITED.First)) seen.First ??= performance.now() - at;
      if (said.includes(AWAITED.Turn)) seen.Turn ??= performance.now() - at;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const end = performance.now() - at;
      if (code !== 0) reject(new Error(`Expected ${command} to end well, got exit code ${code}.`));
      else resolve({ First: end, Turn: end, ...seen });
    });
  });
}

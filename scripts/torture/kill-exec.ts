import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SeededRng, seededRng } from '../../src/testing/index.ts';
import { installCommand } from '../install-command.ts';
import { killAndResume, type Moment, type Round } from './kill-round.ts';
import { serveModel } from './model-server.ts';
import { CALLS, SCRIPT } from './numbered-effects.ts';
import type { Resumer } from './resume-round.ts';
import { runAlone, type Say } from './step.ts';

/** What a number of processes that were killed came to; the seed gives the same moments again. */
export type Kills = Readonly<{ seed: string; rounds: readonly Round[] }>;

/** How many are run at a time: where one waits, another one computes. */
const AT_ONCE = 3;
/** Each of so many is killed while it begins. */
const EARLY_EVERY = 6;
/** And each of so many after an effect: within the time that the next one takes. */
const EFFECT_EVERY = 3;
const AFTER_EFFECT_MS = 60;
/** Each of so many sessions is resumed by the command. */
const COMMAND_EVERY = 20;

/** So many processes of the command, each killed at another moment between its start and its end, and resumed. */
export async function killExecs(command: string, base: string, times: number, seed: string): Promise<Kills> {
  const server = await serveModel(SCRIPT);
  const stage = { command, base, cache: join(base, 'cache'), server };
  try {
    // The first one fills the cache of compiled modules, as it is for a user; the second one is the measure.
    await killAndResume(stage, null, 'library');
    const { beginningMs, restMs, wrong } = await killAndResume(stage, null, 'command');
    if (wrong.length > 0) throw new Error(`Expected a run that nobody kills to be right, got: ${wrong.join('; ')}.`);
    const rng = seededRng(seed);
    const kills = Array.from({ length: times }, (_, at): { moment: Moment; resumer: Resumer } => ({
      moment: momentOf(at, rng, beginningMs, restMs),
      resumer: at % COMMAND_EVERY === 0 ? 'command' : 'library',
    })).values();
    const rounds: Round[] = [];
    const killer = async () => {
      for (const { moment, resumer } of kills) rounds.push(await killAndResume(stage, moment, resumer));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, killer));
    return { seed, rounds };
  } finally {
    server.close();
  }
}

/** While it begins; after an effect, however long that has taken; or any time. */
function momentOf(at: number, rng: SeededRng, beginningMs: number, restMs: number): Moment {
  const part = rng.next();
  if (at % EARLY_EVERY === 0) return { since: 'start', afterMs: part * beginningMs * 1.25 };
  if (at % EFFECT_EVERY === 1) return { since: rng.integer(1, CALLS), afterMs: part * AFTER_EFFECT_MS };
  return { since: 'first-word', afterMs: part * restMs };
}

export const name = 'kill-exec';

const TIMES = 1_000;

/** Kills a thousand `troupe exec` at random moments, and resumes each. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-kill-exec-')));
  try {
    const kills = await killExecs(await installCommand(base), base, TIMES, process.env.TROUPE_SEED ?? newSeed());
    say(lineOf(kills));
    const wrong = kills.rounds.flatMap((round) => round.wrong);
    if (wrong.length > 0) throw new Error(`Not as promised: ${wrong.slice(0, 5).join('; ')}.`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** Another one each time: it is told, and taken from TROUPE_SEED where that is set. */
export function newSeed(): string {
  return String(Date.now());
}

export function lineOf({ seed, rounds }: Kills): string {
  const begun = rounds.filter(({ records }) => records > 0);
  const inTheMiddle = begun.filter(({ effects }) => effects > 0 && effects < CALLS).length;
  const wrong = rounds.flatMap((round) => round.wrong).length;
  return `${rounds.length} killed (seed ${seed}), ${begun.length} of them with a log, ${inTheMiddle} between the first effect and the last; ${wrong} not as promised`;
}

if (import.meta.main) await runAlone({ name, run });

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './census.ts';
import { type ExecTimes, eventsIn, processesOf, startExec } from './exec-process.ts';
import type { ModelServer } from './model-server.ts';
import { EXEC_OPTIONS } from './numbered-effects.ts';
import { type Resumer, resumeAndLook } from './resume-round.ts';
import { effectsIn, logBelow, wrongAsLeft } from './session-log.ts';

/** How long one that nobody kills may take, in ms. */
const ENDED_WITHIN_MS = 60_000;
/** How long what a killed process has left may be there, in ms. */
const GONE_WITHIN_MS = 5_000;

/** When a process is killed: so long after it was started, has said its first word, or has done so many effects; null: never. */
export type Moment = Readonly<{ since: 'start' | 'first-word' | number; afterMs: number }> | null;

/** What came of one process that was killed: what is not as promised, and how far it had come. */
export type Round = Readonly<{ wrong: readonly string[]; records: number; effects: number }>;

export type Stage = Readonly<{ command: string; base: string; cache: string; server: ModelServer }>;

/** Runs `troupe exec`, kills it (SIGKILL), resumes the session, and looks at what both have left. */
export async function killAndResume(
  { command, base, cache, server }: Stage,
  moment: Moment,
  resumer: Resumer,
): Promise<Round & ExecTimes> {
  const home = mkdtempSync(join(base, 'round-'));
  const work = join(home, 'work');
  mkdirSync(work);
  const place = { command, home, url: server.url, cache };
  try {
    const first = startExec(place, ['exec', '--events', ...EXEC_OPTIONS, '-C', work, 'Begin.']);
    if (moment !== null) {
      const { since } = moment;
      if (since === 'first-word') await first.begun;
      if (typeof since === 'number')
        await eventually(() => first.child.exitCode !== null || effectsIn(work).length >= since, ENDED_WITHIN_MS);
      setTimeout(() => first.child.kill('SIGKILL'), moment.afterMs);
    }
    await first.ended;
    const wrong: string[] = [];
    if (!(await eventually(() => processesOf(home).length === 0, GONE_WITHIN_MS)))
      wrong.push(`${processesOf(home).length} processes have outlived it`);
    const log = await logBelow(home);
    const effects = effectsIn(work);
    wrong.push(...wrongAsLeft(log, effects, eventsIn(first.stdout())));
    wrong.push(...(await resumeAndLook(place, work, server, resumer)));
    return { wrong, records: log.records.length, effects: effects.length, ...first.times() };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

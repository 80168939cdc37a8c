import { sandboxProfile } from '../../src/policy/sandbox-profile.ts';
import type { Confinement } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { ATTEMPTS, type Attempt } from './attempts.ts';
import { hostOf, SECRET, type Stage, setStage } from './place.ts';

/** What came of an attempt: what it got, in words; none when it failed. */
export type Tried = Readonly<{ name: string; got: readonly string[]; output: string }>;

const proc = systemProc(systemClock);
const uid = process.geteuid?.() ?? 0;

/** Makes each attempt from within the sandbox, one after the other on one stage. */
async function tryConfined(): Promise<readonly Tried[]> {
  const stage = await setStage(uid);
  const { work, home, state } = stage.place;
  const profile = sandboxProfile({ cwd: work, sandbox: 'workspace-write' }, {}, { userHomes: [home], state });
  const tried: Tried[] = [];
  try {
    for (const attempt of ATTEMPTS) tried.push(await make(attempt, stage, { type: 'sandbox', profile }));
    // What was left behind has had its time.
    const after = await make({ name: 'after all of them', command: () => 'sleep 1.5', shown: '' }, stage, {
      type: 'none',
    });
    return [...tried, after];
  } finally {
    await stage.strike();
  }
}

/** Makes the attempts that can be shown without the sandbox, each on a stage of its own. */
async function tryFree(): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  for (const attempt of ATTEMPTS) {
    if (attempt.shown !== 'yes' && !(attempt.shown === 'root' && uid === 0)) continue;
    const stage = await setStage(uid);
    try {
      tried.push(await make(attempt, stage, { type: 'none' }));
    } finally {
      await stage.strike();
    }
  }
  return tried;
}

async function make({ name, command, tells }: Attempt, stage: Stage, confinement: Confinement): Promise<Tried> {
  const { place } = stage;
  const before = hostOf(place);
  stage.reached();
  const { output, error } = await proc.spawn({
    argv: ['bash', '--noprofile', '--norc', '-c', command(place)],
    cwd: place.work,
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    timeoutMs: 5_000,
    graceMs: 0,
    keepBytes: 65_536,
    outputMaxBytes: 100_000_000,
    confinement,
  }).ended;
  // A connection that was made is seen in the next turn of the loop.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const after = hostOf(place);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) => before[path] !== after[path],
  );
  const got = [
    ...changed.map((path) => `changed ${path}`),
    ...stage.reached().map((what) => `reached the ${what}`),
    ...(stage.victimLives() ? [] : ['ended a process of the host']),
    ...(output.text.includes(SECRET) ? ['read a secret'] : []),
    ...(tells?.test(output.text) ? [`told ${JSON.stringify(output.text.slice(0, 80))}`] : []),
  ];
  return { name, got, output: error ?? output.text.slice(0, 300) };
}

if (import.meta.main)
  process.stdout.write(JSON.stringify(await (process.argv[2] === 'free' ? tryFree() : tryConfined())));

import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installCommand } from '../install-command.ts';
import type { Stage } from './kill-round.ts';
import { serveModel } from './model-server.ts';
import { SCRIPT } from './numbered-effects.ts';
import { runAlone, type Say } from './step.ts';
import { ERRORS, type FaultRound, failAndResume, type KernelFault, leaveSession } from './strace-round.ts';

/** A fault in a session that begins, or in one that goes on from the torn log of a killed process. */
export type Failing = Readonly<{ session: 'new' | 'resumed'; fault: KernelFault }>;

export type Failed = Failing & FaultRound;

/** Why calls of the kernel cannot be made to fail here; null when they can. */
export function whyNoFaults(): string | null {
  const { status, stderr, error } = spawnSync('strace', ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'strace is not installed';
  return status === 0 ? null : `strace may not look at processes here: ${stderr.trim()}`;
}

/** Runs a `troupe exec` for each fault, some at a time. Without faults: for each that there can be. */
export async function failExecs(
  command: string,
  base: string,
  wanted: readonly Failing[] | null = null,
): Promise<readonly Failed[]> {
  const server = await serveModel(SCRIPT);
  const stage = { command, base, cache: join(base, 'cache'), server };
  try {
    const left = await leaveSession(stage);
    const logs = { new: null, resumed: left };
    const failing = (wanted ?? (await faultsOf(stage, logs))).values();
    const failed: Failed[] = [];
    const fail = async () => {
      for (const one of failing) failed.push({ ...one, ...(await failAndResume(stage, logs[one.session], one.fault)) });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, fail));
    return failed;
  } finally {
    server.close();
  }
}

/** How many are run at a time. */
const AT_ONCE = 3;
/** What only reads fails in fewer ways. */
const READING = new Set(['read', 'pread64', 'statx', 'openat']);
const ERRORS_OF_READING = ['EIO', 'EMFILE'] as const;

/** Each call that a run without faults makes, with each error. */
async function faultsOf(stage: Stage, logs: Readonly<Record<Failing['session'], string | null>>): Promise<Failing[]> {
  const all: Failing[] = [];
  for (const session of ['new', 'resumed'] as const) {
    const { wrong, counts } = await failAndResume(stage, logs[session], null);
    if (wrong.length > 0) throw new Error(`Expected a run without faults to be right, got: ${wrong.join('; ')}.`);
    for (const [call, count] of counts) {
      const errors = READING.has(call)
        ? ERRORS_OF_READING
        : ERRORS.filter((error) => error !== 'lies' || call === 'write');
      for (let n = 1; n <= count; n += 1) all.push(...errors.map((error) => ({ session, fault: { call, n, error } })));
    }
  }
  return all;
}

/** What is not as promised, with the fault at which it was. */
export function wrongIn(failed: readonly Failed[]): readonly string[] {
  return failed.flatMap(({ session, fault, wrong }) => wrong.map((what) => `${textOf({ session, fault })}: ${what}`));
}

export function lineOf(failed: readonly Failed[]): string {
  const met = failed.filter(({ wasMet }) => wasMet);
  const refused = met.filter(({ code }) => code === 1).length;
  return `${failed.length} with a fault, ${met.length} met it: ${met.length - refused} went on, ${refused} said why not; ${wrongIn(failed).length} not as promised`;
}

export function textOf({ session, fault: { call, n, error } }: Failing): string {
  return `${error} at ${call} number ${n} of a ${session} session`;
}

export const name = 'strace';

/** Each call of the kernel that a log needs fails in turn, with each error. */
export async function run(say: Say): Promise<void> {
  const why = whyNoFaults();
  if (why !== null) {
    say(`skipped: ${why}`);
    return;
  }
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-strace-')));
  try {
    const failed = await failExecs(await installCommand(base), base);
    say(lineOf(failed));
    const wrong = wrongIn(failed);
    if (wrong.length > 0) throw new Error(`Not as promised: ${wrong.slice(0, 5).join('; ')}.`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

if (import.meta.main) await runAlone({ name, run });

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { follow } from './follow.ts';
import { type KillPorts, sendSignal } from './kill.ts';
import type { KillReport, Proc, ProcessSpec, RunningProcess } from './port.ts';
import { procTable } from './process-table.ts';
import { type Refusal, refusalOf, start } from './start.ts';

/**
 * The processes of this machine, each command in a session and group of its own and marked in its environment, so that
 * all it starts can be found and stopped with it. It is no sandbox: a command runs with all the rights of this process,
 * can outlive it when it is killed, and a daemon that clears its environment before the first look can escape a kill.
 */
export function systemProc(clock: Clock): Proc {
  return createProc({ clock, table: procTable(clock), send: sendSignal });
}

/** The same over other ports, for tests. */
export function createProc(ports: KillPorts): Proc {
  return {
    spawn(spec) {
      const marker = randomBytes(16).toString('hex');
      const started = start(spec, marker);
      if ('refusal' in started) return notStarted(Promise.resolve(started.refusal));
      const { child } = started;
      if (child.pid === undefined) return notStarted(refusalFrom(child, spec));
      return follow(child, child.pid, marker, spec, ports);
    },
  };
}

const NOTHING_KILLED: KillReport = { graceful: true, killed: 0, survivors: 0 };

function notStarted(refusal: Promise<Refusal>): RunningProcess {
  return {
    pid: null,
    ended: refusal.then(({ exitCode, error }) => ({
      status: 'not-started',
      exitCode,
      signal: null,
      output: { text: '', totalBytes: 0, truncated: false },
      error,
      durationMs: 0,
      killed: null,
    })),
    kill: () => Promise.resolve(NOTHING_KILLED),
  };
}

function refusalFrom(child: ChildProcess, spec: ProcessSpec): Promise<Refusal> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(refusalOf(error, spec)));
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import { MARKER_NAME } from './process-table.ts';

/** The beginning of the marker of every command of this process: what it leaves is found by it. */
export const OWN_MARKER = randomBytes(8).toString('hex');

/** A marker that no other command has. */
export function newMarker(): string {
  return OWN_MARKER + randomBytes(8).toString('hex');
}

/**
 * Waits until nothing holds its input any more, that is until this process has ended and so has what it was just starting.
 * Then it kills what has the marker, and looks on for as long as bubblewrap may still be building what it was told to.
 */
const SCRIPT = `
read -r _
cd /proc
clean=0
round=0
while [ $clean -lt 20 ] && [ $round -lt 200 ]; do
  clean=$((clean + 1))
  round=$((round + 1))
  for path in $(grep -ls "$1" [0-9]*/environ); do
    clean=0
    grep -qs "$1" "$path" && kill -KILL "\${path%/environ}"
  done
  sleep 0.05
done
`;

let guardian: ChildProcess | null = null;
let commands = 0;

/**
 * Sees to it that a guardian runs while commands of this process do: a small process that ends what is left of them when this
 * one is killed. bubblewrap ties a container to us only once it is built, and a group is tied to nobody. Whoever asks for it
 * says when the command has ended. Where no guardian can be had, commands run without; the next one asks again.
 */
export function beGuarded(): () => void {
  guardian ??= startGuardian();
  commands += 1;
  let released = false;
  return () => {
    if (!released) commands -= 1;
    released = true;
  };
}

/** Whether this process has commands that have not ended. */
export function hasCommands(): boolean {
  return commands > 0;
}

function startGuardian(): ChildProcess | null {
  const leaked = inheritedDescriptors() ?? [];
  const nowhere = openNowhere();
  if (nowhere === null) return null;
  try {
    const stdio = Array.from({ length: Math.max(2, ...leaked) + 1 }, (): 'ignore' | 'pipe' | number => 'ignore');
    for (const descriptor of leaked) stdio[descriptor] = nowhere;
    stdio[0] = 'pipe';
    const outer = process.env[MARKER_NAME];
    const started = spawn('/bin/sh', ['-c', SCRIPT, 'troupe-guardian', `${MARKER_NAME}=${OWN_MARKER}`], {
      cwd: '/',
      // A guardian of a command's own commands is found as what that one started.
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        LC_ALL: 'C',
        ...(outer === undefined ? {} : { [MARKER_NAME]: outer }),
      },
      stdio,
      detached: true,
    });
    return attend(started);
  } catch {
    return null; // No more processes or files: the command itself will say so.
  } finally {
    closeSync(nowhere);
  }
}

/** It keeps nobody from ending, and is told to go when nothing runs that it would have to end. */
function attend(started: ChildProcess): ChildProcess | null {
  const dismiss = () => {
    if (commands === 0) started.kill('SIGKILL');
  };
  const forget = () => {
    if (guardian === started) guardian = null;
    process.off('exit', dismiss);
  };
  started.once('exit', forget);
  started.once('error', forget);
  started.stdin?.on('error', () => {}); // It has ended; 'exit' follows.
  if (started.pid === undefined) return null;
  process.on('exit', dismiss);
  started.unref();
  if (started.stdin !== null && 'unref' in started.stdin && typeof started.stdin.unref === 'function')
    started.stdin.unref();
  return started;
}

function openNowhere(): number | null {
  try {
    return openSync('/dev/null', 'r');
  } catch {
    return null;
  }
}

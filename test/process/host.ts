import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ProcessEnd, ProcessSpec } from '../../src/process/port.ts';

const SYSTEM_PROC = new URL('../../src/process/system-proc.ts', import.meta.url).href;
const CLOCK = new URL('../../src/runtime/clock.ts', import.meta.url).href;

/**
 * Where it is run, and what is done before: shell commands before Node starts, then JavaScript in it, which may run
 * others with `await run(spec)`.
 */
export type Host = Readonly<{ shell?: string; script?: string; uid?: number }>;

/** Runs a command from a process of its own, whose limits and rights are not those of the tests; tells of all ends. */
export async function runInHost(
  spec: ProcessSpec,
  { shell = ':', script = '', uid }: Host,
): Promise<readonly ProcessEnd[]> {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { closeSync, openSync } from 'node:fs';
    import { systemProc } from ${JSON.stringify(SYSTEM_PROC)};
    import { systemClock } from ${JSON.stringify(CLOCK)};
    const ends = [];
    const run = async (spec) => ends.push(await systemProc(systemClock).spawn(spec).ended);
    ${script}
    await run(${JSON.stringify(spec)});
    process.stdout.write(JSON.stringify(ends));
  `;
  const argv = ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)('bash', argv, { ...(uid === undefined ? {} : { uid, gid: uid }) });
  const ends: readonly ProcessEnd[] = JSON.parse(stdout);
  return ends;
}

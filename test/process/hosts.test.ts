import { access, chmod, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bash, exited, lasting, notStarted, testCommands } from './commands.ts';
import { runInHost } from './host.ts';

const { spec, leftovers } = testCommands('/');

/** Rights and limits bind everybody but root, so as root the host is nobody. */
const NOBODY = 65_534;
const uid = process.getuid?.() === 0 ? NOBODY : undefined;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'troupe-hosts-'));
});

afterAll(async () => {
  await chmod(directory, 0o700);
  await rm(directory, { recursive: true });
});

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

describe.skipIf(process.platform !== 'linux')('a command that is started by a process', () => {
  it('that was given files by its parent gets none of them', async () => {
    const script =
      'for (map { /(\\d+)$/ } glob "/proc/self/fd/*") { my $to = readlink "/proc/self/fd/$_"; print "$_ $to\\n" if $to }';
    const listing = spec(['perl', '-e', script]);
    const [end] = await runInHost(listing, { shell: 'exec 9< /etc/passwd 40< /etc/passwd' });
    const files = (end?.output.text ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/(socket|pipe):.*/, 'pipe'));
    expect(files.slice(0, 3)).toEqual(['0 /dev/null', '1 pipe', '2 pipe']);
    // What stands in the place of a file that was passed on leads nowhere.
    expect(files.slice(3).map((line) => line.replace(/^\d+ /, ''))).toEqual(files.slice(3).map(() => '/dev/null'));
  });

  it('that has no file descriptor left is not started, and the next one is', async () => {
    const script = `
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      await run(${JSON.stringify(spec(['true']))});
      held.forEach((descriptor) => closeSync(descriptor));
    `;
    const ends = await runInHost(spec(['true']), { shell: 'ulimit -n 300', script });
    expect(ends.map(lasting)).toEqual([
      notStarted(126, 'Too many files are open to start a process now. Close some, or try again later.'),
      exited(0, ''),
    ]);
  });
});

describe.skipIf(process.platform !== 'linux' || !(await canRunAs(uid)))('a command that is started by a user', () => {
  it('who may have no more processes is not started', async () => {
    const script = `execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=1']);`;
    const ends = await runInHost(spec(['true']), { script, uid });
    expect(ends.map(lasting)).toEqual([
      notStarted(126, 'The system can start no more processes now. Stop some, or try again later.'),
    ]);
  });

  it('who may not enter its directory is not started', async () => {
    await chmod(directory, 0);
    const ends = await runInHost(spec(['true'], { cwd: directory }), { uid });
    const words = `Expected to be allowed to enter the working directory "${directory}", but there is no permission for it.`;
    expect(ends.map(lasting)).toEqual([notStarted(127, words)]);
  });

  it('runs otherwise', async () => {
    const ends = await runInHost(spec(bash('sleep 600 & echo ran')), { uid });
    expect(ends.map(lasting)).toEqual([{ ...exited(0, 'ran\n'), killed: { graceful: true, killed: 1, survivors: 0 } }]);
  });
});

/** Whether what is needed can be used by others, where others are needed. */
async function canRunAs(user: number | undefined): Promise<boolean> {
  const checks = [access('/usr/bin/prlimit', constants.X_OK), runInHost(spec(['true']), { uid: user })];
  return (await Promise.allSettled(checks)).every(({ status }) => status === 'fulfilled');
}

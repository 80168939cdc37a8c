import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import { limitingWords } from './command-limits.ts';
import type { Containment, ContainmentCheck, ProcessEnd, ProcessSpec, RunningProcess } from './port.ts';
import { SEATBELT } from './seatbelt.ts';
import { systemCallFilter } from './seccomp.ts';

/** Begins a command in what is said to hold. */
type Begin = (spec: ProcessSpec, facts: Containment) => RunningProcess;

/** How long one try may take, in ms. */
const TRY_TIMEOUT_MS = 10_000;
const OUTPUT_MAX_BYTES = 65_536;

const MISSING: Omit<Containment, 'checks'> = {
  sandbox: false,
  container: false,
  why: 'bubblewrap was not found.',
  mend: 'sudo apt-get install bubblewrap',
};

/** What is said to hold while it is tried out. */
const TRYING: Containment = { sandbox: true, container: true, why: null, mend: null, checks: [] };

/**
 * Tries out what bubblewrap can do here: that a command runs in the sandbox at all, and that what must not work does not.
 * Only what has been seen to hold is said to hold.
 */
export async function probeContainment(bubblewrap: string | null, begin: Begin): Promise<Containment> {
  if (bubblewrap === null) {
    const words = 'not on the PATH, or only where the workspace or a stranger could have put it';
    return { ...MISSING, checks: [{ name: 'bubblewrap', holds: false, words }] };
  }
  const name = basename(bubblewrap) === SEATBELT ? SEATBELT : 'bubblewrap';
  const found: ContainmentCheck = { name, holds: true, words: bubblewrap };
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'troupe-probe-'));
  const server = await listen();
  try {
    const container = await tryContainer(directory, begin);
    const sandbox = await trySandbox(directory, portOf(server), begin);
    const checks = [found, container, ...sandbox, ...filters()];
    const failed = sandbox.find(({ holds }) => !holds);
    return {
      sandbox: failed === undefined,
      container: container.holds,
      why: failed === undefined ? null : `${name} is there, but ${failed.name}: ${failed.words}`,
      mend: failed === undefined ? null : mendOf(failed.words),
      checks,
    };
  } catch (error) {
    const words = `it could not be tried out: ${messageOf(error)}`;
    return {
      ...MISSING,
      why: `${name} is there, but ${words}.`,
      mend: null,
      checks: [found, { name: 'sandbox', holds: false, words }],
    };
  } finally {
    server?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What is there besides: a sandbox is one without. */
function filters(): readonly ContainmentCheck[] {
  const filtered = systemCallFilter(process.arch) !== null;
  const limited = limitingWords().length > 0;
  return [
    {
      name: 'system calls are filtered',
      holds: filtered,
      words: filtered ? 'yes' : `the numbers of a ${process.arch} are not known here`,
    },
    {
      name: 'sizes of files and numbers of processes are limited',
      holds: limited,
      words: limited ? 'yes' : 'prlimit (util-linux) was not found',
    },
  ];
}

async function tryContainer(directory: string, begin: Begin): Promise<ContainmentCheck> {
  const end = await run(begin, directory, 'echo $$', { type: 'container' });
  const holds = end.status === 'exited' && end.output.text === '2\n';
  return { name: 'all processes die with the command', holds, words: holds ? 'yes' : wordsOf(end) };
}

/** What must not work in the sandbox, each as a line of shell that says so when it does. */
const FORBIDDEN: readonly Readonly<{ name: string; line(place: Place): string }>[] = [
  { name: 'files outside are not written', line: ({ outside }) => `echo x > ${outside}/written` },
  { name: 'what is hidden is not read', line: ({ hidden }) => `grep -q secret ${hidden}/secret` },
  { name: 'the file system is not remounted', line: () => 'mount -o remount,bind,rw /' },
  { name: 'the network is not reached', line: ({ port }) => `exec 9<>/dev/tcp/127.0.0.1/${port}` },
  { name: 'no other processes are seen', line: () => 'grep -qv bwrap /proc/1/comm' },
  { name: 'settings of the kernel are not written', line: () => 'exec 9>>/proc/sys/vm/drop_caches' },
  { name: 'the keys of the kernel are not asked for', line: () => 'grep -q . /proc/keys' },
  { name: 'no user namespaces are made', line: () => 'unshare -U true' },
];

type Place = Readonly<{ outside: string; hidden: string; port: number }>;

async function trySandbox(directory: string, port: number, begin: Begin): Promise<readonly ContainmentCheck[]> {
  const inside = join(directory, 'inside');
  const outside = join(directory, 'outside');
  const hidden = join(directory, 'hidden');
  for (const path of [inside, outside, hidden]) await mkdir(path);
  await writeFile(join(hidden, 'secret'), 'secret\n');
  const lines = FORBIDDEN.map(({ line }, at) => `(${line({ outside, hidden, port })}) >/dev/null 2>&1 && echo ${at}`);
  const command = ['echo in > written && echo begun', ...lines, 'echo done'].join('\n');
  const profile = {
    writableRoots: [inside],
    protectedNames: [],
    reservedNames: [],
    hidden: [hidden],
    visible: [outside],
    network: false,
    state: join(directory, 'state'),
  };
  const end = await run(begin, inside, command, { type: 'sandbox', profile });
  const said = end.output.text.split('\n');
  const works =
    said[0] === 'begun' &&
    said.includes('done') &&
    (await readFile(join(inside, 'written'), 'utf8').catch(() => '')) === 'in\n';
  return [
    { name: 'a command works in the sandbox', holds: works, words: works ? 'yes' : wordsOf(end) },
    ...FORBIDDEN.map(({ name }, at) => {
      const holds = works && !said.includes(String(at));
      return {
        name,
        holds,
        words: holds ? 'yes' : works ? 'it was done from inside' : 'not tried, as nothing runs inside',
      };
    }),
  ];
}

async function run(
  begin: Begin,
  cwd: string,
  command: string,
  confinement: ProcessSpec['confinement'] & object,
): Promise<ProcessEnd> {
  const spec: ProcessSpec = {
    argv: ['bash', '--noprofile', '--norc', '-c', command],
    cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    timeoutMs: TRY_TIMEOUT_MS,
    graceMs: 0,
    keepBytes: OUTPUT_MAX_BYTES,
    outputMaxBytes: OUTPUT_MAX_BYTES,
    confinement,
  };
  return begin(spec, TRYING).ended;
}

function wordsOf({ error, output, status, exitCode }: ProcessEnd): string {
  return error ?? (output.text.trim() === '' ? `it ended with ${status}, exit code ${exitCode}` : output.text.trim());
}

/** What is known to be in the way on common systems. */
function mendOf(words: string): string | null {
  if (/disable-userns|unknown option/i.test(words)) return 'sudo apt-get install bubblewrap   # 0.8 or newer';
  if (/setting up uid map|user namespace|Creating new namespace/i.test(words))
    return 'sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';
  return null;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

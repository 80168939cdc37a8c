import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { display } from '../../src/policy/display.ts';
import { sendSignal } from '../../src/process/kill.ts';
import type { ProcessEnd, ProcessSpec } from '../../src/process/port.ts';
import { procTable } from '../../src/process/process-table.ts';
import { createProc, systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { bash, exited, lasting, notStarted, testCommands } from '../process/commands.ts';

// The bad inputs of a shell, numbered as in the corpus of bad inputs (33 to 50), each with the one result it may have.
// A fork bomb and a full disk are tried within bounds of their own, and `kill -9 -1` not at all: without a container
// there is nothing but the rights of the user between them and the machine. A directory without permission (48), and a
// machine or process that can start nothing more (49), need other rights and limits: test/process/hosts.test.ts.

const proc = systemProc(systemClock);
const { spec, leftovers } = testCommands('/');
const directory = await mkdtemp(join(tmpdir(), 'troupe-anomaly-'));
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  await writeFile(at('no-permission'), 'echo never\n', { mode: 0o644 });
  await writeFile(at('no-format'), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0), { mode: 0o755 });
  await writeFile(at('no-interpreter'), '#!/no/such/interpreter\n', { mode: 0o755 });
  await writeFile(at('no-first-line'), 'echo "run by sh: $1"\n', { mode: 0o755 });
  await symlink(at('circle'), at('circle'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

type End = Omit<ProcessEnd, 'durationMs'>;
type Fixture = Readonly<{ name: string; argv: readonly string[]; with?: Partial<ProcessSpec>; end: End }>;

const MIB = 1_048_576;

const stopped = (end: Partial<End>): End => ({
  ...exited(124, ''),
  status: 'timed-out',
  signal: 'SIGTERM',
  killed: { graceful: true, killed: 1, survivors: 0 },
  ...end,
});
const signalled = (exitCode: number, signal: string, text = ''): End => ({
  ...exited(exitCode, text),
  status: 'signalled',
  signal,
});
/** What bash says of a failure; its exact words depend on its version. */
const told = (exitCode: number, ...words: readonly string[]): End => ({
  ...exited(exitCode, ''),
  output: { text: expect.stringMatching(words.join('.*')), totalBytes: expect.any(Number), truncated: false },
});
const failed = (exitCode: number, words: string): End => notStarted(exitCode, expect.stringContaining(words));

const FIXTURES: readonly Fixture[] = [
  {
    name: '33 64 MiB of output',
    argv: bash(`yes | head -c ${64 * MIB}`),
    with: { keepBytes: 20 },
    end: {
      ...exited(0, ''),
      output: {
        text: `y\ny\ny\ny\ny\n[... ${64 * MIB - 20} bytes left out ...]\ny\ny\ny\ny\ny\n`,
        totalBytes: 64 * MIB,
        truncated: true,
      },
    },
  },
  {
    name: '34 64 MiB without a line feed',
    argv: bash(`head -c ${64 * MIB} /dev/zero | tr '\\0' x`),
    with: { keepBytes: 4 },
    end: {
      ...exited(0, ''),
      output: { text: `xx\n[... ${64 * MIB - 4} bytes left out ...]\nxx`, totalBytes: 64 * MIB, truncated: true },
    },
  },
  {
    name: '33 more output than is allowed, and nobody listens to TERM',
    argv: bash("trap '' TERM; while :; do echo y; done"),
    with: { keepBytes: 2, outputMaxBytes: 1_000, graceMs: 50 },
    end: {
      status: 'output-limit',
      exitCode: 137,
      signal: 'SIGKILL',
      output: {
        text: expect.stringMatching(/^y\n\[\.\.\. \d+ bytes left out \.\.\.\]\n\n$/),
        totalBytes: expect.any(Number),
        truncated: true,
      },
      error: null,
      killed: { graceful: false, killed: 1, survivors: 0 },
    },
  },
  {
    name: '35 binary output',
    argv: bash("printf 'a\\0b\\377\\376c\\303'"),
    end: {
      ...exited(0, ''),
      output: { text: 'a\0b\ufffd\ufffdc\ufffd', totalBytes: 7, truncated: false },
    },
  },
  {
    name: '35 characters of several bytes at the cut',
    argv: bash("printf 'a€€€€€€b'"),
    with: { keepBytes: 10 },
    end: {
      ...exited(0, ''),
      output: { text: 'a€\n[... 12 bytes left out ...]\n€b', totalBytes: 20, truncated: true },
    },
  },
  {
    name: '36 what a terminal would act on',
    argv: bash("printf '\\033[31m\\033]52;c;aGk=\\007\\033Pq\\033\\\\\\033]0;title\\007 50%%\\r99%%\\b\\b'"),
    end: exited(0, '\x1b[31m\x1b]52;c;aGk=\x07\x1bPq\x1b\\\x1b]0;title\x07 50%\r99%\b\b'),
  },
  { name: '38 an exit with 255', argv: bash('exit 255'), end: exited(255, '') },
  { name: '38 an exit with 126', argv: bash('exit 126'), end: exited(126, '') },
  { name: '38 an exit with 127', argv: bash('exit 127'), end: exited(127, '') },
  { name: '38 an exit with -1', argv: bash('exit -1'), end: exited(255, '') },
  { name: '38 a death by KILL', argv: bash('kill -KILL $$'), end: signalled(137, 'SIGKILL') },
  { name: '38 a death by TERM of its own', argv: bash('kill -TERM $$'), end: signalled(143, 'SIGTERM') },
  { name: '38 a crash', argv: bash('ulimit -c 0; kill -SEGV $$'), end: signalled(139, 'SIGSEGV') },
  { name: '38 a broken pipe', argv: bash('kill -PIPE $$'), end: signalled(141, 'SIGPIPE') },
  {
    name: '39 a command that is not there',
    argv: bash('no-such-command'),
    end: told(127, 'no-such-command: command not found'),
  },
  { name: '39 a program that is not there', argv: ['no-such-command'], end: failed(127, 'was not found') },
  { name: '39 a directory as a command', argv: bash(directory), end: told(126, 'Is a directory') },
  { name: '39 a directory as a program', argv: [directory], end: failed(126, 'it is a directory') },
  {
    name: '39 a file without permission as a command',
    argv: bash(at('no-permission')),
    end: told(126, 'Permission denied'),
  },
  { name: '39 a file without permission as a program', argv: [at('no-permission')], end: failed(126, 'no permission') },
  { name: '39 a file of no known format', argv: bash(at('no-format')), end: told(126, 'cannot execute binary file') },
  {
    name: '39 a missing interpreter of a command',
    argv: bash(at('no-interpreter')),
    end: told(127, 'cannot execute: required file not found'),
  },
  { name: '39 a missing interpreter of a program', argv: [at('no-interpreter')], end: failed(127, 'the interpreter') },
  { name: '39 a script without a first line', argv: [at('no-first-line'), 'a'], end: exited(0, 'run by sh: a\n') },
  { name: '40 a command that reads until its input ends', argv: ['cat'], end: exited(0, '') },
  {
    name: '40 a command that reads again and again',
    argv: bash('while read -r line; do :; done; echo over'),
    end: exited(0, 'over\n'),
  },
  { name: '41 a question on the terminal', argv: bash('read -r -s password < /dev/tty'), end: told(1, '/dev/tty') },
  { name: '41 a terminal that is looked for', argv: ['tty'], end: exited(1, 'not a tty\n') },
  {
    name: '43 a disk that is being filled, within a limit of its own',
    argv: bash(`ulimit -f 64; ulimit -c 0; exec head -c ${MIB} /dev/zero > ${at('filled')}`),
    end: signalled(153, 'SIGXFSZ'),
  },
  { name: '44 a KILL for its whole group', argv: bash('kill -KILL 0; sleep 600'), end: signalled(137, 'SIGKILL') },
  {
    name: '45 a command that stops itself',
    argv: bash('echo begun; kill -STOP $$'),
    with: { timeoutMs: 1_000 },
    end: stopped({ output: exited(0, 'begun\n').output }),
  },
  {
    name: '45 a command that stops itself and ignores TERM',
    argv: bash("trap '' TERM; kill -STOP $$; while :; do :; done"),
    with: { timeoutMs: 1_000, graceMs: 50 },
    end: stopped({ signal: 'SIGKILL', killed: { graceful: false, killed: 1, survivors: 0 } }),
  },
  {
    name: '47 an argument of 128 KiB',
    argv: ['true', 'x'.repeat(131_072)],
    end: failed(126, 'arguments are too long'),
  },
  { name: '47 the longest argument that there may be', argv: ['true', 'x'.repeat(131_071)], end: exited(0, '') },
  {
    name: '47 arguments that are too long together',
    argv: ['true', ...Array.from({ length: 100 }, () => 'x'.repeat(100_000))],
    end: failed(126, 'arguments are too long'),
  },
  {
    name: '48 a directory that is missing',
    argv: ['true'],
    with: { cwd: at('missing') },
    end: failed(127, 'to exist'),
  },
  {
    name: '48 a directory below one that is missing',
    argv: ['true'],
    with: { cwd: at('missing/a') },
    end: failed(127, 'to exist'),
  },
  {
    name: '48 a file as a directory',
    argv: ['true'],
    with: { cwd: at('no-format') },
    end: failed(127, 'to be a directory'),
  },
  {
    name: '48 a directory below a file',
    argv: ['true'],
    with: { cwd: at('no-format/a') },
    end: failed(127, 'to be a directory'),
  },
  { name: '48 a circle of links', argv: ['true'], with: { cwd: at('circle') }, end: failed(127, 'lead in a circle') },
  { name: '48 no directory', argv: ['true'], with: { cwd: '' }, end: failed(127, 'to exist') },
  { name: '48 a NUL in the directory', argv: ['true'], with: { cwd: '/\0' }, end: failed(126, 'without NUL') },
  {
    name: '48 a directory that the command deletes',
    argv: bash(`mkdir ${at('own')}; cd ${at('own')}; rmdir ${at('own')}; echo still here`),
    end: exited(0, 'still here\n'),
  },
  { name: '50 an empty command', argv: bash(''), end: exited(0, '') },
  { name: '50 blanks', argv: bash(' \t \n '), end: exited(0, '') },
  { name: '50 only a comment', argv: bash('# nothing'), end: exited(0, '') },
  { name: '50 only a semicolon', argv: bash(';'), end: told(2, 'syntax error') },
  { name: '50 an unbalanced quote', argv: bash("echo 'a"), end: told(2, 'unexpected EOF') },
];

describe.skipIf(process.platform !== 'linux')('a command with a bad input has one result', () => {
  it.each(FIXTURES)('$name', async ({ argv, with: more, end }) => {
    expect(lasting(await proc.spawn(spec(argv, more)).ended)).toEqual(end);
  });

  it('36 what a terminal would act on is made visible before a person sees it', () => {
    expect(display('\x1b]52;c;aGk=\x07 50%\r99%\b')).toBe('\\x1b]52;c;aGk=\\x07 50%\\x0d99%\\x08');
  });

  it('37 output after the exit, by a process that was left', async () => {
    const command = '(while kill -0 $$ 2> /dev/null; do :; done; echo late) & echo early';
    const { status, exitCode, output, killed } = await proc.spawn(spec(bash(command))).ended;
    expect([status, exitCode, output.text, killed?.survivors ?? 0]).toEqual(['exited', 0, 'early\nlate\n', 0]);
  });

  it('37 output after the exit without end, by a process that was left', async () => {
    const command = '(while :; do echo late; done) & exit 3';
    const { status, exitCode, output, killed } = await proc.spawn(spec(bash(command), { keepBytes: 10 })).ended;
    expect([status, exitCode, output.truncated, killed]).toEqual([
      'exited',
      3,
      true,
      { graceful: true, killed: 1, survivors: 0 },
    ]);
  });

  it('42 a fork bomb of 63 processes', async () => {
    const command = 'bomb() { (($1)) && { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 600; }; bomb 5';
    const { status, exitCode, killed } = await proc.spawn(spec(bash(command), { timeoutMs: 1_000, graceMs: 100 }))
      .ended;
    expect([status, exitCode, killed?.survivors]).toEqual(['timed-out', 124, 0]);
    expect(killed?.killed).toBeGreaterThan(1);
  });

  it('46 a command that no signal reaches is reported within the bound', async () => {
    const deaf = createProc({ clock: systemClock, table: procTable(systemClock), send: () => false });
    const running = deaf.spawn(spec(bash('echo begun; exec sleep 600'), { timeoutMs: 200, graceMs: 50 }));
    const end = await running.ended;
    sendSignal(-(running.pid ?? Number.NaN), 'SIGKILL');
    expect(lasting(end)).toEqual({
      ...exited(124, 'begun\n'),
      status: 'timed-out',
      signal: 'SIGKILL',
      killed: { graceful: false, killed: 0, survivors: 1 },
    });
    await expect.poll(leftovers).toEqual([]);
  });
});

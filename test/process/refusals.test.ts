import { existsSync, mkdtempSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { enclose } from '../../src/process/enclosure.ts';
import { exitCodeOf } from '../../src/process/exit-codes.ts';
import { changedLinks } from '../../src/process/guarded-links.ts';
import type { Containment, ProcessEnd, ProcessSpec } from '../../src/process/port.ts';
import { probeContainment } from '../../src/process/probe.ts';
import { seatbeltArguments } from '../../src/process/seatbelt.ts';
import { refusalOf } from '../../src/process/start.ts';
import { outputOf, processEnd } from './process-end.ts';

function place(): string {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-refusals-')));
  onTestFinished(() => rmSync(base, { recursive: true }));
  return base;
}

const SPEC = { argv: ['tool'], cwd: '/', env: {} };
const coded = (code: string) => Object.assign(new Error(`spawn ${code}`), { code });

describe('why a command could not be started', () => {
  it.each([
    ['ENOENT', 127, '"tool" was not found, or the interpreter that its first line names was not.'],
    ['ENOTDIR', 127, '"tool" was not found, or the interpreter that its first line names was not.'],
    ['EACCES', 126, '"tool" may not be executed: it is a directory, or has no permission for it.'],
    ['EPERM', 126, '"tool" may not be executed: it is a directory, or has no permission for it.'],
    ['EISDIR', 126, '"tool" may not be executed: it is a directory, or has no permission for it.'],
    ['ENOEXEC', 126, '"tool" is not in a format that this machine executes.'],
    [
      'E2BIG',
      126,
      'The arguments are too long for the system (on Linux, one takes less than 128 KiB). Put the text into a file and name the file instead.',
    ],
    ['EAGAIN', 126, 'The system can start no more processes now. Stop some, or try again later.'],
    ['ENOMEM', 126, 'The system can start no more processes now. Stop some, or try again later.'],
    ['EMFILE', 126, 'Too many files are open to start a process now. Close some, or try again later.'],
    ['ENFILE', 126, 'Too many files are open to start a process now. Close some, or try again later.'],
    ['EWHAT', 126, '"tool" could not be started: spawn EWHAT.'],
  ])('is said in words: %s', (code, exitCode, error) => {
    expect(refusalOf(coded(code), SPEC)).toEqual({ exitCode, error });
  });

  it('is said of a long name with its beginning, of none at all, and of a directory that has gone meanwhile', () => {
    const gone = join(place(), 'gone');
    const errors = [
      refusalOf(coded('ENOENT'), { ...SPEC, argv: ['x'.repeat(201)] }),
      refusalOf(coded('ENOENT'), { ...SPEC, argv: [] }),
      refusalOf(coded('ENOENT'), { ...SPEC, cwd: gone }),
      refusalOf(coded('ENOENT'), { ...SPEC, cwd: `/${'x'.repeat(300)}` }),
    ].map(({ error }) => error);
    expect(errors).toEqual([
      `"${'x'.repeat(200)}..." was not found, or the interpreter that its first line names was not.`,
      '"" was not found, or the interpreter that its first line names was not.',
      `Expected the working directory "${gone}" to exist, but it does not.`,
      expect.stringMatching(/^Expected to be able to enter the working directory "\/x+\.\.\.": ENAMETOOLONG/),
    ]);
  });
});

describe('what confines a command', () => {
  const nothing: Containment = { sandbox: false, container: false, why: null, mend: null, checks: [] };
  const spec = (confinement?: ProcessSpec['confinement']): ProcessSpec => ({
    ...SPEC,
    timeoutMs: 1,
    graceMs: 1,
    keepBytes: 1,
    outputMaxBytes: 1,
    ...(confinement && { confinement }),
  });
  const profile = {
    writableRoots: [],
    protectedNames: [],
    reservedNames: [],
    visible: [],
    hidden: [],
    network: false,
    state: '/nowhere',
  };
  const wrapped = (one: ReturnType<typeof enclose>) => ('refusal' in one ? one.refusal.error : one.wrapping);

  it('is nothing when nothing is asked for, and no container where there is none', () => {
    expect([
      wrapped(enclose(spec(), nothing, null)),
      wrapped(enclose(spec({ type: 'none' }), nothing, null)),
      wrapped(enclose(spec({ type: 'container' }), nothing, null)),
    ]).toEqual([null, null, null]);
  });

  it('is never less than a sandbox when one is asked for', () => {
    const sandbox = { type: 'sandbox' as const, profile };
    const refused = 'The command was not run, because it would not be confined: ';
    expect([
      wrapped(enclose(spec(sandbox), nothing, null)),
      wrapped(enclose(spec(sandbox), { ...nothing, why: 'bubblewrap is missing.' }, null)),
    ]).toEqual([`${refused}there is no sandbox here.`, `${refused}bubblewrap is missing.`]);
  });

  it('is the rules of macOS where their program is what confines', () => {
    const there = { ...nothing, sandbox: true };
    const wrapping = wrapped(enclose(spec({ type: 'sandbox', profile }), there, '/usr/bin/sandbox-exec'));
    expect(wrapping).toEqual({
      argv: ['/usr/bin/sandbox-exec', ...seatbeltArguments(profile), ...spec().argv],
      env: {},
      filter: null,
      isContainer: false,
      isLimited: false,
    });
  });
});

describe('what is tried out of a sandbox', () => {
  const end = (more: Partial<ProcessEnd>) => processEnd({ exitCode: 1, ...more });
  const probe = (ended: ProcessEnd, program = '/usr/bin/bwrap') =>
    probeContainment(program, () => ({
      pid: null,
      ended: Promise.resolve(ended),
      kill: async () => ({ graceful: true, killed: 0, survivors: 0 }),
    }));
  const whyOf = async (ended: ProcessEnd) => {
    const { why, mend, sandbox, container } = await probe(ended);
    return { why, mend, sandbox, container };
  };
  const works = 'bubblewrap is there, but a command works in the sandbox: ';
  const none = { sandbox: false, container: false };

  it('does not hold, with the reason and what mends it', async () => {
    const [uids, old] = ['bwrap: setting up uid map: Permission denied', 'bwrap: Unknown option --disable-userns'];
    expect([
      await whyOf(end({ output: outputOf(`${uids}\n`) })),
      await whyOf(end({ output: outputOf(old) })),
      await whyOf(end({})),
      await whyOf(end({ error: 'It was not found.' })),
    ]).toEqual([
      {
        ...none,
        why: works + uids,
        mend: 'sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0',
      },
      { ...none, why: works + old, mend: 'sudo apt-get install bubblewrap   # 0.8 or newer' },
      { ...none, why: `${works}it ended with exited, exit code 1`, mend: null },
      { ...none, why: `${works}It was not found.`, mend: null },
    ]);
  });

  it('is told by the name of what confines', async () => {
    const { checks } = await probe(end({}), '/usr/bin/sandbox-exec');
    expect(checks[0]).toEqual({ name: 'sandbox-exec', holds: true, words: '/usr/bin/sandbox-exec' });
  });
});

describe('a guarded link', () => {
  it('is left when it is as it was, and put back when it is gone, is another, or something else stands there', () => {
    const base = place();
    const at = (name: string) => join(base, name);
    const link = (name: string) => ({ type: 'link' as const, path: at(name), target: 'there' });
    symlinkSync('there', at('same'));
    symlinkSync('elsewhere', at('other'));
    writeFileSync(at('file'), 'x');
    const told = changedLinks(['same', 'gone', 'other', 'file'].map(link));
    const aside = told.slice(1).map((words) => /what stood there is (\S+)\. Look/.exec(words)?.[1] ?? '');
    expect([told[0], aside.map((path) => existsSync(path) || readlinkSync(path)), told.length]).toEqual([
      `${at('gone')} is protected and was changed by the command: it is a link to there again.`,
      ['elsewhere', true],
      3,
    ]);
    expect(['same', 'gone', 'other', 'file'].map((name) => readlinkSync(at(name)))).toEqual(Array(4).fill('there'));
  });

  it('that cannot be put back is told', () => {
    const path = join(place(), 'gone', 'link');
    expect(changedLinks([{ type: 'link', path, target: 'there' }])).toEqual([
      `${path} is protected, was changed by the command, and could not be put back. It was a link to there.`,
    ]);
  });
});

it('shows the code that a shell would', () => {
  expect([exitCodeOf(3, null), exitCodeOf(null, null), exitCodeOf(null, 'SIGKILL')]).toEqual([3, 0, 137]);
});

describe('a directory that cannot be entered for a reason without words of its own', () => {
  it('is told with what the system says', () => {
    const cwd = `/${'x'.repeat(300)}`;
    expect(refusalOf(coded('ENOENT'), { ...SPEC, cwd })).toEqual({
      exitCode: 127,
      error: expect.stringMatching(/^Expected to be able to enter the working directory "\/x+.*": ENAMETOOLONG/),
    });
  });
});

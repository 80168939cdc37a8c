import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sandboxProfile } from '../../src/policy/sandbox-profile.ts';
import type { Confinement, ProcessSpec, SandboxProfile } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { bash, exited, lasting, notStarted, testCommands } from './commands.ts';

const proc = systemProc(systemClock);
const facts = await proc.containment();
const base = await realpath(await mkdtemp(join(tmpdir(), 'troupe-sandbox-')));
let made = 0;

afterAll(() => rm(base, { recursive: true }));

describe.skipIf(!facts.sandbox)('a command in the sandbox', () => {
  let work: string;
  let home: string;
  let profile: SandboxProfile;

  beforeEach(async () => {
    made += 1;
    const place = join(base, String(made));
    work = join(place, 'work');
    home = join(place, 'home');
    await mkdir(work, { recursive: true });
    await mkdir(join(home, '.ssh'), { recursive: true });
    await writeFile(join(home, '.ssh', 'id'), 'SECRET');
    await writeFile(join(home, 'notes'), 'plain');
    profile = profileOf('workspace-write');
  });

  // All of it is below the temporary directory, which commands do not see.
  const profileOf = (sandbox: 'workspace-write' | 'read-only', settings = {}): SandboxProfile => ({
    ...sandboxProfile({ cwd: work, sandbox }, settings, { userHomes: [home], state: join(home, 'state') }),
    visible: [base],
  });

  const run = async (command: string, more: Partial<ProcessSpec> = {}, confinement?: Confinement) => {
    const spec = testCommands(work).spec(bash(command), {
      ...more,
      confinement: confinement ?? { type: 'sandbox', profile },
    });
    return proc.spawn(spec).ended;
  };
  const textOf = async (command: string, more: Partial<ProcessSpec> = {}) => (await run(command, more)).output.text;

  it('writes in its workspace, and in a temporary directory that is its own', async () => {
    expect(
      await textOf('echo a > a && echo b > /tmp/troupe-own && cat a /tmp/troupe-own && ls /tmp | grep -c troupe-probe'),
    ).toBe('a\nb\n0\n');
    expect([await readFile(join(work, 'a'), 'utf8'), await readdir(work)]).toEqual(['a\n', ['a']]);
    expect(await lstat('/tmp/troupe-own').catch(() => null)).toBeNull();
  });

  it('writes nowhere else', async () => {
    const places = [join(home, 'x'), '/etc/troupe-x', '/usr/local/troupe-x', join(base, 'x')];
    expect(await textOf(places.map((path) => `(echo x > ${path}) 2>/dev/null && echo ${path}`).join('; '))).toBe('');
    expect(await Promise.all(places.map((path) => lstat(path).catch(() => null)))).toEqual([null, null, null, null]);
  });

  it('writes nothing where the sandbox is read-only', async () => {
    await writeFile(join(work, 'a'), 'as it was');
    profile = profileOf('read-only');
    expect(await textOf('cat a; (echo x > a) 2>/dev/null || echo refused')).toBe('as it wasrefused\n');
  });

  it('writes to further roots, and not to what is protected in them', async () => {
    profile = profileOf('workspace-write', { writableRoots: ['../more'], protectedNames: ['Makefile'] });
    const more = join(work, '../more');
    await mkdir(join(more, '.git'), { recursive: true });
    await writeFile(join(more, 'Makefile'), 'all:\n');
    const command = 'cd ../more; echo a > a; echo x >> Makefile; echo x > .git/config; echo x > ../work/Makefile';
    await run(command);
    expect([
      await readdir(more),
      await readdir(join(more, '.git')),
      await readFile(join(more, 'Makefile'), 'utf8'),
    ]).toEqual([['.git', 'Makefile', 'a'], [], 'all:\n']);
    expect(await readdir(work)).toEqual([]);
  });

  it('reads what is not secret, and neither keys nor our own state', async () => {
    await mkdir(join(home, 'state'));
    await writeFile(join(home, 'state', 'log'), 'SECRET');
    const output = await textOf(
      `cat ${home}/notes; ls -A ${home}/.ssh ${home}/state | grep -v :; cat ${home}/.ssh/id /etc/shadow`,
    );
    expect(output.replaceAll(/^cat: .*\n/gm, '').trim()).toBe('plain');
  });

  it.each([
    ['a repository', '.git'],
    ['the configuration of an editor', '.vscode'],
    ['a repository further down', 'packages/deep/.git'],
  ])('cannot change %s, by writing, renaming, or moving what is above it', async (_, name) => {
    const path = join(work, name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'config'), 'as it was');
    const top = name.split('/')[0];
    const output = await textOf(
      [
        `echo x > ${name}/config && echo written`,
        `mkdir ${name}/hooks && echo made`,
        `mv ${name} ${name}.old && echo renamed`,
        `mv ${top} moved && echo moved`,
        `rm -rf ${name}; test -e ${name}/config || echo removed`,
      ].join('\n'),
    );
    expect(output.split('\n').filter((line) => /^\w+$/.test(line))).toEqual([]);
    expect(await readFile(join(path, 'config'), 'utf8')).toBe('as it was');
  });

  it('cannot make what is reserved either, and leaves no trace of that', async () => {
    const output = await textOf(
      'mkdir .vscode; echo x > .mcp.json; ln -s /etc .claude; mv .cursor y; rmdir .envrc; echo done',
    );
    expect(output.split('\n').filter((line) => line === 'done')).toEqual(['done']);
    expect(await readdir(work)).toEqual([]);
  });

  it('leaves an empty directory of the user alone that has a reserved name', async () => {
    await mkdir(join(work, '.vscode'));
    await run('true');
    expect(await readdir(work)).toEqual(['.vscode']);
  });

  it('leaves no trace when it is killed, nor when two run at once', async () => {
    await Promise.all([run('sleep 600', { timeoutMs: 200, graceMs: 0 }), run('sleep 0.1'), run('true')]);
    expect(await readdir(work)).toEqual([]);
  });

  it('makes a repository of its own where there is none', async () => {
    expect(await textOf('git init -q . && git rev-parse --is-inside-work-tree')).toBe('true\n');
  });

  it('finds the directory that a worktree stands for, and protects it', async () => {
    await mkdir(join(work, 'store', 'worktrees', 'a'), { recursive: true });
    await writeFile(join(work, 'store', 'worktrees', 'a', 'commondir'), '../..\n');
    await mkdir(join(work, 'tree'));
    await writeFile(join(work, 'tree', '.git'), 'gitdir: ../store/worktrees/a\n');
    await run('echo x > store/config; echo x > store/worktrees/a/HEAD; echo x > tree/.git; echo x > tree/y');
    expect([
      await readdir(join(work, 'store')),
      await readdir(join(work, 'store', 'worktrees', 'a')),
      await readdir(join(work, 'tree')),
    ]).toEqual([['worktrees'], ['commondir'], ['.git', 'y']]);
  });

  it('puts back a link with a protected name that it has replaced, keeps what stood there, and says so', async () => {
    await mkdir(join(work, 'settings'));
    await symlink('settings', join(work, '.claude'));
    const { notes = [] } = await run('rm .claude && mkdir .claude && echo x > .claude/hooks.json; echo x > settings/y');
    expect([await readlink(join(work, '.claude')), await readdir(join(work, 'settings'))]).toEqual(['settings', []]);
    const aside = (await readdir(work)).find((name) => name.startsWith('.claude.replaced-'));
    expect(notes).toEqual([
      `${work}/.claude is protected and was changed by the command: it is a link to settings again, and what stood there is ${work}/${aside}. Look at it before you use it.`,
    ]);
  });

  it('has no network, unless it is given one', async () => {
    const server = createServer((socket) => socket.end('hello\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const command = `(exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3) 2>/dev/null || echo none`;
    const without = await textOf(command);
    profile = profileOf('workspace-write', { network: true });
    const given = await textOf(command);
    profile = profileOf('read-only', { network: true });
    const readOnly = await textOf(command);
    server.close();
    expect([without, given, readOnly]).toEqual(['none\n', 'hello\n', 'none\n']);
  });

  it.skipIf(process.getuid?.() !== 0)('is run where others have sockets that nobody else gets to', async () => {
    const theirs = await mkdtemp('/var/lib/troupe-theirs-');
    await chmod(theirs, 0o755);
    const server = createServer();
    try {
      const closed = join(theirs, 'closed');
      await mkdir(closed);
      await new Promise<void>((resolve) => server.listen(join(closed, 'socket'), resolve));
      await chown(closed, 65_534, 65_534);
      await chmod(closed, 0o700);
      expect(await textOf('echo here')).toBe('here\n');
      await chmod(closed, 0o755);
      expect(await textOf(`[ -S ${closed}/socket ] || echo covered`)).toBe('covered\n');
    } finally {
      server.close();
      await rm(theirs, { recursive: true });
    }
  });

  it('is over when what confines it is killed, and not begun again', async () => {
    const begun = Promise.withResolvers<string>();
    const spec = testCommands(work).spec(bash('echo one >> here; echo begun; exec sleep 600'), {
      confinement: { type: 'sandbox', profile },
      onOutput: begun.resolve,
    });
    const running = proc.spawn(spec);
    await begun.promise;
    process.kill(running.pid ?? 0, 'SIGKILL');
    const { status, exitCode, error } = await running.ended;
    expect([status, exitCode, error, await readFile(join(work, 'here'), 'utf8')]).toEqual([
      'signalled',
      137,
      null,
      'one\n',
    ]);
  });

  it('sees its own processes only, and has a temporary directory where the environment says', async () => {
    expect(await textOf('ls -d /proc/[0-9]* | wc -l; echo $TMPDIR', { env: { TMPDIR: '/nowhere' } })).toMatch(
      /^[1-9]\n\/tmp\n$/,
    );
  });

  it('is killed when it has too many processes, and says so', async () => {
    const few = systemProc(systemClock, { processesMax: 40 });
    const command = 'echo begun; for n in $(seq 60); do sleep 600 & done; sleep 600';
    const spec = testCommands(work).spec(bash(command), { confinement: { type: 'sandbox', profile } });
    const { status, output, notes, killed } = await few.spawn(spec).ended;
    expect([status, output.text, notes, killed?.survivors]).toEqual([
      'killed',
      'begun\n',
      ['Killed, because it had more than 40 processes.'],
      0,
    ]);
  });

  it('is told to stop before it is killed, and its exit code is its own', async () => {
    const ended = await run('trap "echo tidied; exit 7" TERM; sleep 600 & wait', { timeoutMs: 300 });
    expect([ended.status, ended.output.text, ended.killed]).toEqual([
      'timed-out',
      'tidied\n',
      { graceful: true, killed: 2, survivors: 0 },
    ]);
  });

  it('is not run where what is to be written is everything', async () => {
    const everything: Confinement = { type: 'sandbox', profile: { ...profile, writableRoots: ['/'] } };
    expect(lasting(await run('touch /x', {}, everything))).toEqual(
      notStarted(
        126,
        'The command was not run, because it would not be confined: Expected a directory that commands may write to, got "/": ' +
          'with all of it writable there is no sandbox. Work in a directory below it.',
      ),
    );
  });

  it('is not run in a directory that it would not see', async () => {
    const elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'troupe-elsewhere-')));
    const end = lasting(await run('echo x > written', { cwd: elsewhere }));
    const left = await readdir(elsewhere);
    await rm(elsewhere, { recursive: true });
    const error = `The command was not run, because what confines it could not be set up: bwrap: Can't chdir to ${elsewhere}: No such file or directory.`;
    expect([end, left]).toEqual([{ ...notStarted(126, error), notSetUp: true }, []]);
  });

  it.each([
    ['is run once, when what it was to cover has gone meanwhile', 4, 'one\nbwrap: of its own\n'],
    ['is not run, when that does not end', 5, null],
  ])('%s', async (_, failures, text) => {
    const [failing, program] = [join(base, 'failing'), join(base, 'bwrap')];
    const message = "bwrap: Can't mkdir parents for /there/socket: Read-only file system";
    const script = `[ ! -s ${failing} ] || { sed -i 1d ${failing}; echo "${message}" >&2; exit 1; }; exec bwrap "$@"`;
    await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const failingProc = systemProc(systemClock, { bubblewrap: program });
    await failingProc.containment();
    await writeFile(failing, 'again\n'.repeat(failures));
    let told = '';
    const spec = testCommands(work).spec(bash('echo one >> here; cat here; echo bwrap: of its own >&2'), {
      confinement: { type: 'sandbox', profile },
      onOutput: (piece) => {
        told += piece;
      },
    });
    const end = lasting(await failingProc.spawn(spec).ended);
    const error = `The command was not run, because what confines it could not be set up: ${message}.`;
    expect([end, told]).toEqual(
      text === null ? [{ ...notStarted(126, error), notSetUp: true }, ''] : [exited(0, text), text],
    );
  });
});

describe('without bubblewrap', () => {
  const bare = systemProc(systemClock, { bubblewrap: null });

  it('says so, and what mends it', async () => {
    expect(await bare.containment()).toEqual({
      sandbox: false,
      container: false,
      why: 'bubblewrap was not found.',
      mend: 'sudo apt-get install bubblewrap',
      checks: [
        {
          name: 'bubblewrap',
          holds: false,
          words: 'not on the PATH, or only where the workspace or a stranger could have put it',
        },
      ],
    });
  });

  it('runs nothing that wants a sandbox', async () => {
    const profile = sandboxProfile({ cwd: base, sandbox: 'workspace-write' }, {}, { userHomes: [], state: base });
    const spec = testCommands(base).spec(bash('touch written'), { confinement: { type: 'sandbox', profile } });
    expect(lasting(await bare.spawn(spec).ended)).toEqual(
      notStarted(126, 'The command was not run, because it would not be confined: bubblewrap was not found.'),
    );
    expect(await lstat(join(base, 'written')).catch(() => null)).toBeNull();
  });

  it('takes no program for bubblewrap that cannot confine', async () => {
    const { sandbox, container, why } = await systemProc(systemClock, { bubblewrap: '/bin/true' }).containment();
    expect([sandbox, container, why?.startsWith('bubblewrap is there, but a command works in the sandbox:')]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

// Work trees on disks that take nothing, numbered as in the corpus of bad inputs (83 and 93): each is mounted for one
// process, which only root can do.

const canMount = process.geteuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** What each of the programs begins with: a session in `work`, whose state is in `home`. */
const SETUP = `
  import { execFileSync } from 'node:child_process';
  import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
  import { createSession } from ${JSON.stringify(url('index.ts'))};
  import { scriptedModel } from ${JSON.stringify(url('testing/index.ts'))};
  const [place] = process.argv.slice(1);
  const work = place + '/work';
  const shell = (command) => ({ call: { name: 'shell', arguments: { command } } });
  const patch = (...lines) => ({
    call: { name: 'apply_patch', arguments: { input: ['*** Begin Patch', ...lines, '*** End Patch'].join('\\n') } },
  });
  const warned = [];
  let checkpoints = 0;
  /** Resolves when the state after the task is kept, too. */
  const kept = Promise.withResolvers();
  const begin = (...script) => {
    const session = createSession({
      model: scriptedModel([...script, { say: 'done' }]), cwd: work, home: place + '/home', projectInstructions: false,
      sandbox: 'danger-full-access', approvalPolicy: 'never',
    });
    session.events$.subscribe((event) => {
      if (event.type === 'warning.raised') warned.push(event.code + ': ' + event.message);
      if (event.type === 'task.completed' && event.kind === 'ghost-snapshot' && ++checkpoints === 2) kept.resolve();
    });
    return session;
  };
  const outputs = (session) => session.entries().flatMap((entry) => (entry.type === 'output' ? [entry.output] : []));
  const text = (name) => readFileSync(work + '/' + name, 'utf8');
  const mount = (...words) => execFileSync('mount', words);
  const print = (found) => console.log(JSON.stringify(found));
`;

function run(program: string): unknown {
  const place = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  mkdirSync(join(place, 'work'));
  mkdirSync(join(place, 'home'), { mode: 0o700 });
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', `${SETUP}${program}`, place];
  const { stdout, stderr } = spawnSync('unshare', ['-m', process.execPath, ...words], {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '../..'),
  });
  return stdout === '' ? stderr : JSON.parse(stdout);
}

it.skipIf(!canMount)(
  '83 a work tree that may only be read is changed by nothing, and each call says so (needs root)',
  () => {
    const found = run(`
    writeFileSync(work + '/a', 'old\\n');
    mount('--bind', work, work);
    mount('-o', 'remount,bind,ro', work);
    const session = begin(patch('*** Update File: a', '@@', '-old', '+new'), shell('echo new > a'));
    const { status } = await session.run('go').outcome;
    const { status: undone, paths } = await session.undo().outcome;
    await session.close();
    print({ status, outputs: outputs(session), undone, paths, warned });
  `);
    expect(found).toEqual({
      status: 'completed',
      outputs: [
        'The patch failed: a could not be written: the file system is read-only (EROFS). Nothing was changed.',
        expect.stringMatching(/^Exit code: 1\n[\s\S]*Read-only file system/),
      ],
      undone: 'completed',
      paths: [],
      warned: [],
    });
  },
);

it.skipIf(!canMount)(
  '93 a checkpoint for which there is no room leaves nothing behind and holds up nothing (needs root)',
  () => {
    const found = run(`
    writeFileSync(work + '/a', 'old\\n');
    writeFileSync(work + '/large', Buffer.alloc(600_000, 1));
    mkdirSync(place + '/home/checkpoints', { mode: 0o700 });
    mount('-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'none', place + '/home/checkpoints');
    const session = begin(patch('*** Update File: a', '@@', '-old', '+new'));
    const { status } = await session.run('go').outcome;
    const { status: undone } = await session.undo().outcome;
    await session.close();
    const left = readdirSync(place + '/home/checkpoints', { recursive: true, withFileTypes: true });
    print({ status, a: text('a'), undone, warned, left: left.filter((entry) => entry.isFile()).length });
  `);
    expect(found).toEqual({
      status: 'completed',
      a: 'new\n',
      undone: 'failed',
      warned: [expect.stringMatching(/^checkpoint-failed: .* could not be kept: ENOSPC/)],
      left: 0,
    });
  },
);

it.skipIf(!canMount)(
  '93 an undo for which there is no room brings back what it can, and the rest when there is (needs root)',
  () => {
    const found = run(`
    mount('-t', 'tmpfs', '-o', 'size=256k', 'none', work);
    writeFileSync(work + '/a', 'a'.repeat(100_000));
    writeFileSync(work + '/b', 'old\\n');
    const session = begin(shell('rm a; echo new > b'));
    await session.run('go').outcome;
    await kept.promise;
    writeFileSync(work + '/filler', 'x'.repeat(200_000));
    const full = await session.undo().outcome;
    const meanwhile = [existsSync(work + '/a'), text('b')];
    rmSync(work + '/filler');
    const again = await session.undo().outcome;
    await session.close();
    print({ full: full.paths, meanwhile, again: again.paths, after: [text('a').length, text('b')] });
  `);
    expect(found).toEqual({
      full: [
        { path: 'a', result: 'failed', message: expect.stringContaining('ENOSPC') },
        { path: 'b', result: 'restored' },
      ],
      meanwhile: [false, 'old\n'],
      again: [{ path: 'a', result: 'restored' }],
      after: [100_000, 'old\n'],
    });
  },
);

function url(path: string): string {
  return new URL(`../../src/${path}`, import.meta.url).href;
}

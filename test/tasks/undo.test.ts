import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { next, rig } from '../session/rig.ts';

type Options = Parameters<typeof rig>[0];

/** A session in a directory with a file `a` that holds "one". */
function stage(script: readonly ScriptEntry[], options: Options = {}) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-undo-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const cwd = join(base, 'work');
  mkdirSync(cwd);
  const at = (path: string) => join(cwd, path);
  writeFileSync(at('a'), 'one\n');
  const stand = rig({
    script,
    cwd,
    home: join(base, 'home'),
    approvalPolicy: 'never',
    sandbox: 'danger-full-access',
    checkpoints: 'auto',
    ...options,
  });
  const text = (path: string) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : null);
  return { ...stand, base, cwd, at, text, home: join(base, 'home') };
}

const shell = (command: string): ScriptEntry => ({ call: { name: 'shell', arguments: { command } } });
const patch = (input: string): ScriptEntry => ({ call: { name: 'apply_patch', arguments: { input } } });
const said: ScriptEntry = { say: 'done' };
const change = (from: string, to: string) =>
  patch(`*** Begin Patch\n*** Update File: a\n@@\n-${from}\n+${to}\n*** End Patch`);

const kindsStarted = (events: readonly SessionEvent[]) =>
  events.flatMap((event) => (event.type === 'task.started' ? [event.kind] : []));
const warnings = (events: readonly SessionEvent[]) =>
  events.flatMap((event) => (event.type === 'warning.raised' ? [event.code] : []));

describe('an undo', () => {
  it('takes back what a patch and what a command of the last task have done', async () => {
    const { session, text } = stage([change('one', 'two'), shell('echo new > made; chmod +x a; mkdir d'), said]);
    await session.run('go').outcome;
    const was = [text('a'), text('made')];
    const outcome = await session.undo().outcome;
    expect([was, text('a'), text('made'), outcome]).toEqual([
      ['two\n', 'new\n'],
      'one\n',
      null,
      expect.objectContaining({
        status: 'completed',
        paths: [
          { path: 'made', result: 'removed' },
          { path: 'a', result: 'restored' },
        ],
        conflicts: [],
        isExact: true,
        entries: 0,
      }),
    ]);
    await session.close();
  });

  it('leaves alone what the user has changed since, says so, and keeps what was there before', async () => {
    const { session, text, at } = stage([change('one', 'two'), shell('echo b > b'), said]);
    await session.run('go').outcome;
    await next(session, (event) => event.type === 'task.completed' && event.kind === 'ghost-snapshot');
    writeFileSync(at('a'), 'mine\n');
    const outcome = await session.undo().outcome;
    const { conflicts = [] } = outcome as { conflicts?: readonly { path: string; keptAt?: string }[] };
    expect([text('a'), text('b'), conflicts]).toEqual([
      'mine\n',
      null,
      [{ path: 'a', result: 'conflict', keptAt: expect.any(String) }],
    ]);
    const [{ keptAt = '' } = {}] = conflicts;
    expect([readFileSync(keptAt, 'utf8'), statSync(keptAt).mode & 0o777]).toEqual(['one\n', 0o600]);
    await session.close();
  });

  it('leaves alone what the user writes as soon as the task has ended, before the state after it is kept', async () => {
    const { session, text, at } = stage([change('one', 'two'), shell('echo b > b; echo c > c'), said]);
    const { outcome } = session.run('go');
    const written = outcome.then(() => {
      writeFileSync(at('b'), 'mine\n');
      writeFileSync(at('new'), 'mine\n');
    });
    await written;
    await next(session, (event) => event.type === 'task.completed' && event.kind === 'ghost-snapshot');
    const { conflicts = [] } = (await session.undo().outcome) as { conflicts?: readonly { path: string }[] };
    expect([text('a'), text('b'), text('c'), text('new'), conflicts]).toEqual([
      'one\n',
      'mine\n',
      null,
      'mine\n',
      [
        { path: 'b', result: 'conflict' },
        { path: 'new', result: 'conflict' },
      ],
    ]);
    await session.close();
  });

  it('walks back a task at a time, and says when there is nothing more', async () => {
    const { session, text } = stage([change('one', 'two'), said, change('two', 'three'), said]);
    await session.run('go').outcome;
    await session.run('go on').outcome;
    const seen = [text('a')];
    const ends: string[] = [];
    for (let times = 0; times < 3; times += 1) {
      const outcome = await session.undo().outcome;
      ends.push(outcome.status === 'failed' ? outcome.error.message : outcome.status);
      seen.push(text('a'));
    }
    expect([seen, ends]).toEqual([
      ['three\n', 'two\n', 'one\n', 'one\n'],
      ['completed', 'completed', 'Expected a change to undo, there is none (any more).'],
    ]);
    await session.close();
  });

  it('takes back several tasks at once, and is itself undone by its id', async () => {
    const { session, text } = stage([change('one', 'two'), said, change('two', 'three'), said]);
    await session.run('go').outcome;
    await session.run('go on').outcome;
    const outcome = (await session.undo({ to: 2 }).outcome) as { undo?: string };
    const back = text('a');
    await session.undo({ to: outcome.undo ?? '' }).outcome;
    const forth = text('a');
    await session.undo().outcome;
    expect([back, forth, text('a')]).toEqual(['one\n', 'three\n', 'two\n']);
    await session.close();
  });

  it('only says what it would do, when that is wanted', async () => {
    const { session, text } = stage([change('one', 'two'), shell('echo b > b'), said]);
    await session.run('go').outcome;
    const outcome = await session.undo({ dryRun: true }).outcome;
    expect([text('a'), text('b'), outcome]).toEqual([
      'two\n',
      'b\n',
      expect.objectContaining({ plan: ['restore a', 'remove b'], paths: [], undo: null }),
    ]);
    await session.close();
  });

  it('brings back modes, links, deletions and names exactly', async () => {
    const { session, at } = stage([
      shell('mv a renamed; rm gone; rm link; ln -s elsewhere link; chmod -x tool; rm -r deep'),
      said,
    ]);
    writeFileSync(at('gone'), 'gone\n');
    writeFileSync(at('tool'), 'tool\n');
    chmodSync(at('tool'), 0o755);
    symlinkSync('a', at('link'));
    mkdirSync(at('deep/er'), { recursive: true });
    writeFileSync(at('deep/er/file'), 'deep\n');
    await session.run('go').outcome;
    await session.undo().outcome;
    expect([
      readdirSync(at('.')).toSorted(),
      readlinkSync(at('link')),
      lstatSync(at('tool')).mode & 0o777,
      readFileSync(at('deep/er/file'), 'utf8'),
    ]).toEqual([['a', 'deep', 'gone', 'link', 'tool'], 'a', 0o755, 'deep\n']);
    await session.close();
  });

  it('takes the conversation back, alone or with the files', async () => {
    const { session, model, text } = stage([change('one', 'two'), said, change('two', 'three'), said, said, said]);
    await session.run('first').outcome;
    const kept = session.entries();
    await session.run('second').outcome;
    const both = await session.undo({ what: 'both' }).outcome;
    const left = [session.entries(), text('a')];
    await session.run('again').outcome;
    const shown = model.requests.at(-1)?.history.length;
    await session.undo({ what: 'conversation' }).outcome;
    expect([both, left, shown, session.entries(), text('a')]).toEqual([
      expect.objectContaining({ status: 'completed', entries: 4 }),
      [kept, 'two\n'],
      kept.length + 1,
      kept,
      'two\n',
    ]);
    await session.close();
  });

  it('says in words when the conversation does not go back so far, and of what it cannot go back to', async () => {
    const { session } = stage([said]);
    await session.run('first').outcome;
    const far = await session.undo({ what: 'conversation', to: 2 }).outcome;
    const unknown = await session.undo({ to: 'nothing' }).outcome;
    const mixed = await session.undo({ to: 'nothing', what: 'both' }).outcome;
    const messages = [far, unknown, mixed].map((outcome) => (outcome.status === 'failed' ? outcome.error.message : ''));
    expect(messages).toEqual([
      'Expected 2 tasks to take back of the conversation, there are 1: what was summarised, or taken back, is gone.',
      'Expected the id of a change, got "nothing". There is none.',
      'Expected a number of tasks to take back of the conversation, got the id of a change.',
    ]);
    await session.close();
  });

  it('covers what a sub-session has done, as part of the task at the root', async () => {
    const spawn = { name: 'spawn_agent', arguments: { message: 'work' } };
    const { session, text } = stage([], {
      script: {
        lanes: { root: [{ call: spawn }, said, said], agent: [change('one', 'two'), said] },
        pick: ({ history }) => (JSON.stringify(history[0]).includes('"work"') ? 'agent' : 'root'),
      },
    });
    await session.run('go').outcome;
    const was = text('a');
    await session.undo().outcome;
    expect([was, text('a')]).toEqual(['two\n', 'one\n']);
    await session.close();
  });

  it('goes back to a checkpoint that was asked for, where nothing is kept by itself', async () => {
    const { session, text, events } = stage([change('one', 'two'), said], { checkpoints: 'off' });
    const taken = (await session.snapshot().outcome) as { checkpointId?: string | null; files?: number };
    await session.run('go').outcome;
    await session.undo().outcome;
    expect([taken.files, typeof taken.checkpointId, text('a'), kindsStarted(events)]).toEqual([
      1,
      'string',
      'one\n',
      ['ghost-snapshot', 'regular', 'undo'],
    ]);
    await session.close();
  });
});

describe('the checkpoint before a change', () => {
  it('is taken once a task, when a call may first change something, and once more when the task has ended', async () => {
    const { session, events } = stage([shell('cat a'), change('one', 'two'), change('two', 'three'), said]);
    await session.run('go').outcome;
    await session.close();
    const order = events.flatMap((event) => {
      if (event.path.length > 1) return [];
      if (event.type === 'task.started' || event.type === 'task.completed')
        return [`${event.kind} ${event.type.slice(5)}`];
      if (event.type === 'item.started' && event.item.type === 'file_change') return ['patch'];
      return event.type === 'item.completed' && event.item.type === 'file_change' ? ['patched'] : [];
    });
    expect(order).toEqual([
      'regular started',
      'patch',
      'ghost-snapshot started',
      'ghost-snapshot completed',
      'patched',
      'patch',
      'patched',
      'regular completed',
      'ghost-snapshot started',
      'ghost-snapshot completed',
    ]);
  });

  it('is not taken of a task that only reads', async () => {
    const { session, events } = stage([shell('cat a && ls -l | head -3'), said], { sandbox: 'workspace-write' });
    await session.run('go').outcome;
    await session.close();
    expect(kindsStarted(events)).toEqual(['regular']);
  });

  it('that cannot be taken holds up nothing: a warning says why', async () => {
    const { session, events, text } = stage([change('one', 'two'), said], { checkpoints: { filesMax: 0 } });
    const outcome = await session.run('go').outcome;
    const undone = await session.undo().outcome;
    expect([outcome.status, text('a'), warnings(events), undone.status]).toEqual([
      'completed',
      'two\n',
      ['checkpoint-failed'],
      'failed',
    ]);
    await session.close();
  });

  it.each([
    ['a home', homedir()],
    ['the root of the machine', '/'],
  ])('is not taken of %s', async (_, cwd) => {
    const { session } = stage([], { cwd });
    const outcome = await session.snapshot().outcome;
    expect(outcome).toEqual(
      expect.objectContaining({
        status: 'completed',
        checkpointId: null,
        why: expect.stringContaining('it is a home, or what holds homes'),
      }),
    );
    await session.close();
  });

  it('is given up with the task that waits for it', async () => {
    const { session, events, at } = stage([change('one', 'two')], {});
    for (let made = 0; made < 1_500; made += 1) writeFileSync(at(`f${made}`), `${made}`);
    const task = session.run('go');
    await next(session, (event) => event.type === 'task.started' && event.kind === 'ghost-snapshot');
    const receipt = await session.interrupt();
    await task.outcome;
    expect([receipt.outcome, receipt.unsettled, readFileSync(at('a'), 'utf8')]).toEqual(['aborted', 0, 'one\n']);
    expect(events.filter(({ type }) => type === 'task.aborted').length).toBe(2);
    await session.close();
  });

  it('names what it leaves out', async () => {
    const { session, events, at } = stage([shell('echo x > b'), said], { checkpoints: { untrackedFileMaxBytes: 3 } });
    writeFileSync(at('large'), 'large\n');
    await session.run('go').outcome;
    await session.close();
    const message = events.flatMap((event) => (event.type === 'warning.raised' ? [event.message] : []))[0];
    expect(message).toContain(
      'a (a large file that git does not follow), large (a large file that git does not follow)',
    );
  });
});

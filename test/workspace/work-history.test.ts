import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeDirectory } from '../../src/here/store-directory.ts';
import { systemWorkTree } from '../../src/here/system-work-tree.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/workspace/checkpoint.ts';
import { checkpointStore } from '../../src/workspace/checkpoint-store.ts';
import { CHECKPOINT_LIMITS } from '../../src/workspace/scan.ts';
import type { StoreFiles } from '../../src/workspace/store-files.ts';
import { carryOutUndo } from '../../src/workspace/undo.ts';
import { workHistory } from '../../src/workspace/work-history.ts';
import type { WorkTree } from '../../src/workspace/work-tree.ts';

/** A change that is over at a time when nothing has changed any more. */
const over = (changeId: string) => ({ changeId, endedAtMs: Number.MAX_SAFE_INTEGER });
const NEVER = new AbortController().signal;

/** The history of a directory with a file `a` that holds "one"; each change writes what it is given into it. */
function stage(more: { tree?: Partial<WorkTree>; files?: Partial<StoreFiles>; limits?: object } = {}) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-history-')));
  onTestFinished(() => rmSync(base, { recursive: true }));
  const root = join(base, 'work');
  mkdirSync(root);
  const put = (text: string) => writeFileSync(join(root, 'a'), text);
  put('one');
  const files: StoreFiles = { ...storeDirectory(join(base, 'state')), ...more.files };
  const tree: WorkTree = { ...systemWorkTree(root), ...more.tree };
  const store = checkpointStore(files);
  const limits = { ...CHECKPOINT_LIMITS, ...more.limits };
  const history = workHistory({ tree, files, store, clock: systemClock, tracked: async () => null, limits });
  const of = (id: string) => ({ id, sessionId: 's', taskId: 't', by: 'task' as const });
  return {
    root,
    base,
    files,
    tree,
    store,
    history,
    text: () => readFileSync(join(root, 'a'), 'utf8'),
    async change(id: string, text: string, isEnded = true) {
      await history.begin(of(id), NEVER);
      put(text);
      if (isEnded) await history.end(over(id), `${id}-end`, NEVER);
    },
    undo: (id: string, to?: string | number, signal = NEVER) =>
      history.undo({ id, sessionId: 's', taskId: 't', signal, ...(to === undefined ? {} : { to }) }),
  };
}
const refused = (why: string | object) => ({ ok: false, why });

describe('an undo', () => {
  it('says what there is when what is to be undone is not there', async () => {
    const { change, undo } = stage();
    expect([await undo('u0'), await undo('u0', 2), await undo('u0', 'c9')]).toEqual([
      refused('Expected a change to undo, there is none (any more).'),
      refused('Expected 2 changes to undo, there is none (any more).'),
      refused('Expected the id of a change, got "c9". There is none.'),
    ]);
    await change('c1', 'two');
    expect([await undo('u1', 2), await undo('u1', 'c9')]).toEqual([
      refused('Expected 2 changes to undo, there are 1.'),
      refused('Expected the id of a change, got "c9". The newest are: c1.'),
    ]);
    await undo('u1');
    expect(await undo('u2', 'c1')).toEqual(refused('The change c1 has been undone already, by u1.'));
  });

  it('touches nothing when the present cannot be kept', async () => {
    const { history, change, undo, text } = stage();
    await change('c1', 'two');
    const stopped = await undo('u1', 1, AbortSignal.abort());
    expect([stopped, text(), (await history.changes()).map(({ undoneBy }) => undoneBy)]).toEqual([
      refused('Nothing was undone, because the present state could not be kept: The checkpoint was stopped.'),
      'two',
      [null],
    ]);
  });

  it('is refused when the checkpoints of a change are gone, or are none', async () => {
    const { files, change, undo, text } = stage();
    await change('c1', 'two');
    await files.remove('checkpoints', 'c1.json');
    const gone = await undo('u1');
    await files.create('checkpoints', 'c1.json', [Buffer.from('{}')]);
    const damaged = await undo('u2');
    const why = 'The checkpoints of the change c1 are not kept any more.';
    expect([gone, damaged, text()]).toEqual([refused(why), refused(why), 'two']);
  });

  it('says when the store fails', async () => {
    const { undo } = stage({ files: { names: () => Promise.reject(new Error('EIO')) } });
    expect(await undo('u1')).toEqual(refused('The store of checkpoints could not be used: EIO.'));
  });

  it('says of a path what failed, keeps that it is not done, and lets it be done again', async () => {
    let isFull = true;
    const { history, tree, change, undo, text } = stage({
      tree: {
        write(...given) {
          if (isFull) throw new Error('ENOSPC');
          systemWorkTree(tree.root).write(...given);
        },
      },
    });
    await change('c1', 'two');
    const first = await undo('u1');
    isFull = false;
    const second = await undo('u2');
    expect([first, second, text()]).toMatchObject([
      { ok: true, value: { paths: [{ path: 'a', result: 'failed', message: 'ENOSPC' }] } },
      { ok: true, value: { paths: [{ path: 'a', result: 'restored' }] } },
      'one',
    ]);
    expect((await history.changes()).map(({ id, undoneBy, undoes }) => [id, undoneBy, undoes])).toEqual([
      ['c1', 'u2', []],
      ['u1', null, []],
      ['u2', null, ['c1']],
    ]);
  });
});

describe('a change', () => {
  it('has no end when there is none of that id, or its end cannot be kept', async () => {
    const { history, change } = stage();
    const none = await history.end(over('c9'), 'c9-end', NEVER);
    await change('c1', 'two', false);
    const stopped = await history.end(over('c1'), 'c1-end', AbortSignal.abort());
    expect([none, stopped, (await history.changes()).map(({ id, after }) => [id, after])]).toEqual([
      null,
      { ok: false, why: 'aborted', message: 'The checkpoint was stopped.' },
      [['c1', null]],
    ]);
  });

  it('that was not written by us is none', async () => {
    const { history, files, change } = stage();
    await change('c1', 'two');
    await files.create('changes', 'c0.json', [Buffer.from('torn')]);
    expect((await history.changes()).map(({ id }) => id)).toEqual(['c1']);
  });

  it('does not begin when its checkpoint fails, and says why', async () => {
    const { history } = stage({ files: { create: () => Promise.reject(new Error('EROFS')) } });
    const begun = await history.begin({ id: 'c1', sessionId: 's', taskId: 't', by: 'task' }, NEVER);
    expect([begun.ok ? null : begun.message, await history.changes()]).toEqual([
      expect.stringMatching(/^The checkpoint of .*work could not be kept: EROFS\.$/),
      [],
    ]);
  });

  it('is given up when reading takes too long', async () => {
    const { history } = stage({ limits: { durationMaxMs: -1 } });
    const begun = await history.begin({ id: 'c1', sessionId: 's', taskId: 't', by: 'task' }, NEVER);
    expect(begun).toMatchObject({ ok: false, why: 'too-slow' });
  });
});

describe('the store of checkpoints', () => {
  it('has no checkpoint that was never kept, and the bytes of an empty file without a pack', async () => {
    const { store } = stage();
    const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const empty = { hash, pack: 'none', offset: 0, length: 0 };
    expect([await store.get('c9'), await store.newest(), (await store.bytes(empty)).length]).toEqual([null, null, 0]);
  });

  it('tidies without the list of what a checkpoint needs, when that is gone or damaged', async () => {
    const { files, store, change } = stage();
    await change('c1', 'two');
    await files.remove('needs', 'c1.json');
    await files.create('needs', 'c1.json', [Buffer.from('7')]);
    await files.remove('needs', 'c1-end.json');
    await change('c2', 'three');
    expect(await store.ids()).toEqual(['c1', 'c1-end', 'c2', 'c2-end']);
  });

  it('reads a checkpoint as it was written, and nothing of another version', async () => {
    const { store, change } = stage();
    await change('c1', 'two');
    const checkpoint = await store.get('c1-end');
    if (checkpoint === null) throw new Error('Expected the checkpoint c1-end to be kept.');
    const bytes = Buffer.concat([...encodeCheckpoint(checkpoint)]);
    const other = Buffer.from(bytes.toString().replace('"v":1', '"v":99'));
    expect([decodeCheckpoint(bytes), decodeCheckpoint(other)]).toEqual([checkpoint, null]);
  });
});

describe('a plan that is carried out', () => {
  it('is left where it is when it is stopped', async () => {
    const { tree, store, root } = stage();
    const plan = { steps: [{ path: 'a', action: 'remove' as const }], made: ['b'], former: new Map([['c', 0o755]]) };
    const done = await carryOutUndo(tree, store, plan as never, AbortSignal.abort()); // All that a plan has.
    expect([done, readFileSync(join(root, 'a'), 'utf8')]).toEqual([[], 'one']);
  });

  it('puts a link in the place of what is there, and makes the directories above as they were, or as usual', async () => {
    const { tree, store } = stage();
    const link = (path: string) => ({ path, action: 'restore' as const, to: { type: 'link' as const, target: 'x' } });
    const plan = { steps: [link('a'), link('d/e/f')], made: [], former: new Map([['d', 0o700]]) };
    const done = await carryOutUndo(tree, store, plan as never, NEVER); // All that a plan has.
    const modes = ['d', 'd/e'].map((path) => tree.look(path));
    expect([done.map(({ result }) => result), tree.target('a'), tree.target('d/e/f'), modes]).toMatchObject([
      ['restored', 'restored'],
      'x',
      'x',
      [{ type: 'directory', mode: 0o700 }, { type: 'directory' }],
    ]);
  });
});

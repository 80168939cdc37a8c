import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import { repositoryAt } from '../../src/here/work-history.ts';
import type { SessionEvent, SessionOptions } from '../../src/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { promptOf } from '../../src/tasks/review/target.ts';
import type { ScriptCall } from '../../src/testing/script.ts';
import { openGit } from '../../src/workspace/git.ts';
import { rig } from '../session/rig.ts';
import { type GitStage, gitStage, proc, valueIn, withoutSandbox } from '../workspace/git-stage.ts';
import { hashOf } from '../workspace/hash-of.ts';

// States of a work tree and its repository, numbered as in the corpus of bad inputs (83 to 95). In each of them a task
// changes a file and makes another one; an undo takes both back, and leaves the repository as it was, to the byte.

type State = Readonly<{
  name: string;
  /** Brings it about. */
  make(stage: GitStage): Promise<unknown>;
  /** What to work in, beside the first repository, if it is not that one. */
  beside?: string;
  /** What git of ours says has changed; or, as a text, why it says nothing. Nothing is asked where there is no repository. */
  status: readonly object[] | RegExp | null;
  /** What people are told. */
  told?: readonly RegExp[];
}>;

async function commit(stage: GitStage, ...files: readonly (readonly [path: string, text: string])[]): Promise<void> {
  for (const [path, text] of files) await stage.write(path, text);
  stage.plain('add', '--all');
  stage.plain('commit', '--quiet', '--message', 'one');
}

/** Two branches that say something else of `a`. */
async function diverged(stage: GitStage): Promise<void> {
  await commit(stage, ['a', 'base\n']);
  stage.plain('checkout', '--quiet', '-b', 'side');
  await commit(stage, ['a', 'theirs\n']);
  stage.plain('checkout', '--quiet', 'main');
  await commit(stage, ['a', 'ours\n']);
}

const fails = (act: () => unknown) => expect(act).toThrow();

const STATES: State[] = [
  { name: '85 without a repository', make: ({ root }) => fs.rm(join(root, '.git'), { recursive: true }), status: null },
  {
    name: '85 that is a bare repository',
    async make(stage) {
      stage.plain('init', '--quiet', '--bare', '../bare');
    },
    beside: 'bare',
    status: null,
  },
  {
    name: '85 whose repository has no HEAD',
    make: ({ root }) => fs.rm(join(root, '.git/HEAD')),
    status: /not a git repository/,
  },
  {
    name: '85 of a shallow clone',
    async make(stage) {
      await commit(stage, ['a', 'one\n']);
      await commit(stage, ['a', 'old\n']);
      stage.plain('clone', '--quiet', '--depth=1', `file://${stage.root}`, '../shallow');
    },
    beside: 'shallow',
    status: [],
  },
  {
    name: '85 of a linked worktree',
    async make(stage) {
      await commit(stage, ['a', 'old\n']);
      stage.plain('worktree', 'add', '--quiet', '../tree');
    },
    beside: 'tree',
    status: [],
  },
  {
    name: '85 of a sparse checkout',
    async make(stage) {
      await commit(stage, ['a', 'old\n'], ['left/out', 'x\n'], ['in/it', 'y\n']);
      stage.plain('sparse-checkout', 'set', 'in');
    },
    status: [],
  },
  {
    name: '86 with a lock that somebody has left',
    make: async (stage) => {
      await commit(stage, ['a', 'old\n']);
      await stage.write('.git/index.lock', '');
    },
    status: [],
  },
  {
    name: '90 in the middle of a merge, with a conflict',
    async make(stage) {
      await diverged(stage);
      fails(() => stage.plain('merge', '--quiet', 'side'));
    },
    status: [{ type: 'unmerged', path: 'a' }],
  },
  {
    name: '90 in the middle of a rebase',
    async make(stage) {
      await diverged(stage);
      fails(() => stage.plain('rebase', '--quiet', 'side'));
    },
    status: [{ type: 'unmerged', path: 'a' }],
  },
  {
    name: '90 with a file that is only intended to be added',
    async make(stage) {
      await commit(stage, ['b', 'b\n']);
      await stage.write('a', 'old\n');
      stage.plain('add', '--intent-to-add', 'a');
    },
    status: [{ type: 'changed', path: 'a', from: null, staged: '.', unstaged: 'A', submodule: false }],
  },
  {
    name: '90 with files that git is told to take for unchanged',
    async make(stage) {
      await commit(stage, ['a', 'one\n'], ['b', 'b\n']);
      stage.plain('update-index', '--assume-unchanged', 'a');
      stage.plain('update-index', '--skip-worktree', 'b');
      await stage.write('a', 'old\n');
    },
    status: [],
  },
  {
    name: '92 with hard links, a pipe, a socket, links to nowhere and in a circle',
    async make(stage) {
      await commit(stage, ['a', 'old\n']);
      await fs.link(join(stage.root, 'a'), join(stage.root, 'b'));
      execFileSync('mkfifo', [join(stage.root, 'pipe')]);
      const server = createServer();
      onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
      await new Promise<void>((resolve) => server.listen(join(stage.root, 'socket'), resolve));
      await fs.symlink('nowhere', join(stage.root, 'dangling'));
      await fs.symlink('circle', join(stage.root, 'circle'));
    },
    status: ['b', 'circle', 'dangling'].map((path) => ({ type: 'untracked', path })),
    told: Array(2).fill(/not brought back by an undo: pipe \(no regular file\), socket \(no regular file\)/),
  },
];

if (process.geteuid?.() === 0)
  STATES.push({
    name: '95 of somebody else, where plain git refuses to look',
    async make(stage) {
      await commit(stage, ['a', 'old\n']);
      execFileSync('chown', ['-R', '65534', stage.root]);
      fails(() => stage.plain('status'));
    },
    status: [],
  });

const COMMAND = { name: 'shell', arguments: { command: 'echo new > made; test ! -e a || echo changed > a' } };
const PATCH = '*** Begin Patch\n*** Update File: a\n@@\n-old\n+changed\n*** End Patch';

/** A session that keeps checkpoints of this directory; what it keeps lies outside of it. */
function sessionIn({ state }: GitStage, cwd: string, call: ScriptCall = COMMAND, more: Partial<SessionOptions> = {}) {
  return rig({
    script: [{ call }, { say: 'done' }],
    cwd,
    home: join(state, 'troupe'),
    sandbox: 'danger-full-access',
    approvalPolicy: 'never',
    checkpoints: 'auto',
    ...more,
  });
}

const contentOf = (path: string) => fs.readFile(path, 'utf8').catch(() => null);
const warnings = (events: readonly SessionEvent[]) =>
  events.flatMap((event) => (event.type === 'warning.raised' ? [event.message] : []));

describe('a work tree', () => {
  it.each(STATES)('$name', async ({ make, beside = 'work', status, told = [] }) => {
    const stage = await gitStage();
    await make(stage);
    const root = join(stage.place, beside);
    const all = () => [hashOf(root), hashOf(stage.root)];
    const was = all();
    const isThere = (await contentOf(join(root, 'a'))) !== null;
    const { session, events } = sessionIn(stage, root);
    const outcome = await session.run('go').outcome;
    const changed = [await contentOf(join(root, 'made')), await contentOf(join(root, 'a'))];
    const undone = await session.undo().outcome;
    await session.close();
    expect([outcome.status, changed, undone, warnings(events), all()]).toEqual([
      'completed',
      ['new\n', isThere ? 'changed\n' : null],
      expect.objectContaining({ status: 'completed', conflicts: [], isExact: true }),
      told.map((line) => expect.stringMatching(line)),
      was,
    ]);
    const opened = valueIn(await openGit(stage.ports(proc), systemFiles, root));
    const said = opened === null ? null : await opened.status();
    if (status instanceof RegExp) expect(said).toEqual({ ok: false, why: expect.stringMatching(status) });
    else expect(said).toEqual(status === null ? null : { ok: true, value: status });
  });
});

describe('a machine', () => {
  it('95 without git keeps checkpoints all the same, of all that is not ignored', async () => {
    const stage = await gitStage();
    await commit(stage, ['a', 'old\n']);
    const patch = { name: 'apply_patch', arguments: { input: PATCH } };
    const { session, events } = sessionIn(stage, stage.root, patch, { env: { PATH: '/nowhere' } });
    const outcome = await session.run('go').outcome;
    const changed = await contentOf(join(stage.root, 'a'));
    const undone = await session.undo().outcome;
    await session.close();
    expect([outcome.status, changed, undone.status, await contentOf(join(stage.root, 'a')), warnings(events)]).toEqual([
      'completed',
      'changed\n',
      'completed',
      'old\n',
      [],
    ]);
    const place = { proc, clock: systemClock, path: '/nowhere', userHomes: [], home: stage.state, sandboxSettings: {} };
    expect(await promptOf({ type: 'uncommitted' }, () => repositoryAt(stage.root, place))).toEqual({
      ok: true,
      value: expect.stringContaining('(there is no git that could be trusted)'),
    });
  });

  it('95 with a git that is too old says what that has said', async () => {
    const stage = await gitStage();
    const program = join(stage.place, 'git');
    await fs.writeFile(program, '#!/bin/sh\necho "unknown option: --no-optional-locks" >&2\nexit 129\n', {
      mode: 0o755,
    });
    const git = valueIn(await openGit({ ...stage.ports(withoutSandbox), program }, systemFiles, stage.root));
    expect(await git?.status()).toEqual({
      ok: false,
      why: 'git config ended with exited, exit code 129: unknown option: --no-optional-locks',
    });
  });
});

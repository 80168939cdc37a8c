import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Proc, ProcessEnd } from '../../src/process/port.ts';
import { outputOf, processEnd } from '../process/process-end.ts';
import { gitStage, proc, withoutSandbox } from './git-stage.ts';

/** Processes as they are, but what this gives of the words of a call. */
function procWith(end: (words: readonly string[]) => Partial<ProcessEnd> | null): Proc {
  return {
    ...withoutSandbox,
    spawn(spec) {
      const instead = end(spec.argv);
      if (instead === null) return proc.spawn(spec);
      return {
        pid: null,
        ended: Promise.resolve(processEnd(instead)),
        kill: async () => ({ graceful: true, killed: 0, survivors: 0 }),
      };
    },
  };
}
const failing = (word: string, end: Partial<ProcessEnd>) => procWith((words) => (words.includes(word) ? end : null));

describe('git that fails', () => {
  it('says why, as far as it is known', async () => {
    const stage = await gitStage();
    const why = async (end: Partial<ProcessEnd>) => {
      const head = await (await stage.open(procWith(() => end))).head();
      return head.ok ? null : head.why;
    };
    expect([
      await why({ status: 'not-started', error: null }),
      await why({ status: 'not-started', error: 'No such program.' }),
      await why({ status: 'output-limit' }),
      await why({ exitCode: 128 }),
    ]).toEqual([
      'git could not be started.',
      'No such program.',
      expect.stringMatching(/ wrote more than can be taken\.$/),
      expect.stringMatching(/ ended with exited, exit code 128: it did not say why\.$/),
    ]);
  });

  it('fails what needs it, and not what was asked before it', async () => {
    const stage = await gitStage();
    await stage.write('a', 'one\n');
    stage.plain('add', '.');
    stage.plain('commit', '--quiet', '--message=first');
    const broken = { ok: false, why: expect.stringContaining('exit code 9') };
    const config = await stage.open(failing('config', { exitCode: 9 }));
    const whole = await stage.open();
    expect([
      await config.status(),
      await config.diff({ from: null, to: null, outputMaxBytes: 100 }),
      await (await stage.open(failing('hash-object', { exitCode: 9 }))).diff({
        from: null,
        to: null,
        outputMaxBytes: 100,
      }),
      await whole.diff({ from: 'HEAD', to: 'nothing', outputMaxBytes: 100 }),
      await whole.mergeBase('HEAD', 'nothing'),
      await whole.mergeBase('nothing', 'HEAD'),
    ]).toEqual([
      broken,
      broken,
      broken,
      { ok: false, why: 'Expected "nothing" to name a commit, but it names none.' },
      { ok: false, why: 'Expected "nothing" to name a commit, but it names none.' },
      { ok: false, why: 'Expected "nothing" to name a commit, but it names none.' },
    ]);
  });

  it('is not believed when it writes something else, or has more filters than can be turned off', async () => {
    const stage = await gitStage();
    const other = await stage.open(failing('status', { output: outputOf('hello\0') }));
    const filters = Array.from({ length: 201 }, (_, at) => `filter.f${at}.clean\0`).join('');
    const many = await stage.open(failing('config', { output: outputOf(filters) }));
    expect([await other.status(), await many.status()]).toEqual([
      { ok: false, why: 'Expected git status to write porcelain v2, got something else.' },
      { ok: false, why: 'Expected at most 200 filters in the configuration, got 201.' },
    ]);
  });

  it('has no index of its own where there is no place for one, and writes none of no files', async () => {
    const stage = await gitStage();
    const git = await stage.open();
    await stage.write('file', '');
    const nowhere = await git.privateIndex(join(stage.root, 'file'));
    const twice = [await git.privateIndex(stage.state), await git.privateIndex(stage.state)];
    const [, index] = twice;
    expect([nowhere, twice.map(({ ok }) => ok), index?.ok === true && (await index.value.writeFiles([]))]).toEqual([
      { ok: false, why: expect.stringMatching(/^Expected to be able to make .*objects, got: /) },
      [true, true],
      { ok: true, value: [] },
    ]);
  });
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSession } from '../../src/index.ts';
import { scriptedModel } from '../../src/testing/index.ts';
import { commandRun, directory } from './command-run.ts';

const PATCH = `*** Begin Patch
*** Update File: a
@@
-one
+two
*** Add File: b
+new
*** End Patch`;

/** A directory in which a task has changed `a` and made `b`, and how it is undone. */
async function changed() {
  const [cwd, home] = [directory(), directory()];
  writeFileSync(join(cwd, 'a'), 'one\n');
  const script = [{ call: { name: 'apply_patch', arguments: { input: PATCH } } }, { say: 'done' }];
  const session = createSession({ model: scriptedModel(script), cwd, home, projectInstructions: false });
  const outcome = await session.run('Change it.').outcome;
  await session.close();
  expect([outcome.status, readFileSync(join(cwd, 'a'), 'utf8')]).toEqual(['completed', 'two\n']);
  return { cwd, undo: (...words: readonly string[]) => commandRun(home, ['undo', '-C', cwd, ...words]) };
}

it('says what it would do, does it once, and lists both with what is undone', async () => {
  const { cwd, undo } = await changed();
  expect((await undo('--dry-run')).stdout).toBe('restore a\nremove b\n');
  const done = await undo();
  expect([done.code, done.stdout, readFileSync(join(cwd, 'a'), 'utf8'), existsSync(join(cwd, 'b'))]).toEqual([
    0,
    expect.stringMatching(/^removed b\nrestored a\nTo take this back: troupe undo \w+\n$/),
    'one\n',
    false,
  ]);
  expect((await undo('--list')).stdout).toMatch(
    /^\w+ {2}\S+Z {2}an undo, undo\/\w+\n\w+ {2}\S+Z {2}changes of regular\/\w+ \(undone\)\n$/,
  );
  const listed: readonly { by: string }[] = JSON.parse((await undo('--list', '--json')).stdout);
  expect(listed.map(({ by }) => by)).toEqual(['task', 'undo']);
});

it('keeps what was changed since, and says so as JSON too', async () => {
  const { cwd, undo } = await changed();
  writeFileSync(join(cwd, 'a'), 'mine\n');
  const { paths } = JSON.parse((await undo('--json')).stdout);
  expect(paths).toEqual([
    { path: 'b', result: 'removed' },
    { path: 'a', result: 'conflict', keptAt: expect.any(String) },
  ]);
  expect(readFileSync(join(cwd, 'a'), 'utf8')).toBe('mine\n');
});

it('says that nothing is kept, and fails when something is to be taken back', async () => {
  const [cwd, home] = [directory(), directory()];
  expect(await commandRun(home, ['undo', '-C', cwd, '--list'])).toEqual({
    code: 0,
    stdout: 'Nothing is kept of this directory.\n',
    stderr: '',
  });
  const { code, stdout, stderr } = await commandRun(home, ['undo', '-C', cwd]);
  expect([code, stdout, stderr.startsWith('troupe: ')]).toEqual([1, '', true]);
});

it('is refused where nothing can be kept', async () => {
  const { code, stderr } = await commandRun(directory(), ['undo', '-C', '/', '--list']);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^troupe: Nothing can be undone: .+\.\n$/)]);
});

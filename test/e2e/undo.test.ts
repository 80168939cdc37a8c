import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const patch = `*** Begin Patch
*** Update File: a
@@
-one
+two
*** Add File: b
+new
*** End Patch`;
const script: Script = [{ call: { name: 'apply_patch', arguments: { input: patch } } }, { say: 'done' }];

/** A directory in which `troupe exec` has changed `a` and made `b`. */
async function changed() {
  const cwd = temporaryDirectory();
  const env = { TROUPE_HOME: temporaryDirectory() };
  writeFileSync(join(cwd, 'a'), 'one\n');
  const server = await startScriptedServer(script);
  const run = await runTroupe(['exec', '-C', cwd, 'go'], { env: { ...server.env, ...env } }).ended;
  expect([run.code, readFileSync(join(cwd, 'a'), 'utf8')]).toEqual([0, 'two\n']);
  const undo = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runTroupe(['undo', '-C', cwd, ...args], { env }).ended;
    return { code, stdout, stderr };
  };
  const files = () => [readFileSync(join(cwd, 'a'), 'utf8'), existsSync(join(cwd, 'b'))];
  return { cwd, undo, files };
}

it('says what it would take back, takes it back, and takes that back again', async () => {
  const { undo, files } = await changed();
  expect(await undo('--dry-run')).toEqual({ code: 0, stdout: 'restore a\nremove b\n', stderr: '' });
  expect(files()).toEqual(['two\n', true]);
  const { code, stdout } = await undo();
  expect([code, stdout, files()]).toEqual([
    0,
    expect.stringMatching(/^removed b\nrestored a\nTo take this back: troupe undo \w+\n$/),
    ['one\n', false],
  ]);
  const [, id = ''] = /undo (\w+)\n$/.exec(stdout) ?? [];
  expect([(await undo(id)).code, files()]).toEqual([0, ['two\n', true]]);
});

it('leaves alone what was changed since, and says where the former state is', async () => {
  const { cwd, undo, files } = await changed();
  writeFileSync(join(cwd, 'a'), 'mine\n');
  const { code, stdout } = await undo();
  const [, keptAt = ''] = /kept \(changed since\) a; what was there before is in (.*)\n/.exec(stdout) ?? [];
  expect([code, readFileSync(keptAt, 'utf8'), files()]).toEqual([0, 'one\n', ['mine\n', false]]);
});

it('lists what is kept, and says in words when there is nothing to undo', async () => {
  const { undo } = await changed();
  expect((await undo('--list')).stdout).toMatch(/^\w{26} {2}\S+Z {2}changes of regular\/\w+\n$/);
  await undo();
  expect(await undo()).toEqual({
    code: 1,
    stdout: '',
    stderr: 'troupe: Expected a change to undo, there is none (any more).\n',
  });
});

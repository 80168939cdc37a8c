import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

it('says of a log of troupe exec that it is legal, of a changed one what is wrong, and of none that it cannot be read', async () => {
  const [cwd, home] = [temporaryDirectory(), temporaryDirectory()];
  const server = await startScriptedServer([{ say: 'One.' }]);
  const env = { ...server.env, TROUPE_HOME: home };
  await runTroupe(['exec', '-C', cwd, 'Go'], { env }).ended;
  const sessions = join(home, 'sessions');
  const name = readdirSync(sessions, { recursive: true, encoding: 'utf8' }).find((one) => one.endsWith('.jsonl')) ?? '';
  const verify = async (...args: readonly string[]) => {
    const { code, stdout } = await runTroupe(['verify', ...args], { env }).ended;
    return [code, stdout];
  };
  expect(await verify(join(sessions, name))).toEqual([0, expect.stringMatching(/^legal: \d+ records\n$/)]);
  const lines = readFileSync(join(sessions, name), 'utf8').trimEnd().split('\n');
  writeFileSync(join(cwd, 'changed'), `${lines.toSpliced(2, 1).join('\n')}\n`);
  expect(await verify(join(cwd, 'changed'))).toEqual([
    1,
    'illegal: line 3 (record 3, step.started): expected record 2, got 3 [numbers]\n',
  ]);
  expect(await verify('/nowhere')).toEqual([2, expect.stringMatching(/^unreadable: .*ENOENT/)]);
});

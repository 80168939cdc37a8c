import { expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

async function stage(script: Script) {
  const cwd = temporaryDirectory();
  const server = await startScriptedServer(script);
  const env = { ...server.env, TROUPE_HOME: temporaryDirectory() };
  const exec = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runTroupe(['exec', '-C', cwd, ...args], { env }).ended;
    return { code, stdout, stderr, id: /session │ (\S+) opened/.exec(stderr)?.[1] ?? '' };
  };
  return { exec, server, env, cwd };
}

it('goes on with a session by its id, and with the newest one of the directory', async () => {
  const { exec, server } = await stage([{ say: 'One.' }, { say: 'Two.' }, { say: 'Three.' }]);
  const first = await exec('First');
  const second = await exec('resume', first.id, 'Second');
  const third = await exec('resume', '--last', 'Third');
  server.verify();
  expect([first, second, third].map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, 'One.\n'],
    [0, 'Two.\n'],
    [0, 'Three.\n'],
  ]);
  expect(server.requests.map(({ history }) => history.length)).toEqual([1, 3, 5]);
});

it('says in words when there is none', async () => {
  const { exec } = await stage([]);
  const [last, none] = [await exec('resume', '--last', 'Go'), await exec('resume', 'nobody', 'Go')];
  expect([last.code, last.stderr, none.code, none.stderr]).toEqual([
    1,
    expect.stringContaining('there is none. See "troupe sessions list".'),
    1,
    expect.stringContaining('Expected a session, got "nobody", of which there is no log.'),
  ]);
});

it('is refused in words while another process has the session open, which is not disturbed', async () => {
  const gate = Promise.withResolvers<void>();
  const { exec, env, cwd, server } = await stage([{ waitFor: gate.promise, say: 'One.' }, { say: 'Two.' }]);
  const first = runTroupe(['exec', '--json', '-C', cwd, 'First'], { env });
  await first.sees('stdout', 'turn.started');
  const id = /"thread_id":"(\w+)"/.exec(first.stdout())?.[1] ?? '';
  const second = await exec('resume', id, 'Second');
  gate.resolve();
  expect([second.code, second.stdout, (await first.ended).code]).toEqual([1, '', 0]);
  expect(second.stderr).toMatch(/process \d+ has this session open\. Close it there first, or fork the session\./);
  expect((await exec('resume', id, 'Second')).stdout).toBe('Two.\n');
  server.verify();
});

import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { appears, runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const SPAWN = { name: 'spawn_agent', arguments: { message: 'look' } };

async function stage(script: Script) {
  const [cwd, home] = [temporaryDirectory(), temporaryDirectory()];
  const server = await startScriptedServer(script);
  const env = { ...server.env, TROUPE_HOME: home };
  const why = async (...args: readonly string[]) => (await runTroupe(['why', ...args], { env, cwd }).ended).stdout;
  return { cwd, env, why };
}

it('names the chain from a session that runs to the command that an agent of it waits for', async () => {
  const { cwd, env, why } = await stage({
    lanes: {
      root: [{ call: SPAWN }, { say: 'I wait.' }],
      look: [{ call: { name: 'shell', arguments: { command: 'touch begun; sleep 600', timeout_ms: 600_000 } } }],
    },
    pick: ({ history }) => (JSON.stringify(history[0]).includes('"look"') ? 'look' : 'root'),
  });
  const run = runTroupe(['exec', '-C', cwd, 'Look around'], { env });
  await appears(join(cwd, 'begun'));
  const told = await why('last');
  run.child.kill('SIGINT');
  await run.ended;
  expect(told.replace(/, for [\d.]+ s/g, '').split('\n')).toEqual([
    expect.stringMatching(/^session \w{26} is open in process \d+$/),
    expect.stringMatching(/^the task regular \(regular\/\w+\) runs$/),
    expect.stringMatching(/^ {2}the model scripted$/),
    expect.stringMatching(/^the task agent \(agent\/\w+\) runs$/),
    expect.stringMatching(/^ {2}the sub-session \w{26}$/),
    expect.stringMatching(/^ {4}the task regular \(regular\/\w+\) runs$/),
    '      the command touch begun; sleep 600',
    '',
  ]);
  expect(await why('last')).toMatch(/is not open\nits last task aborted at \S+: interrupted\n$/);
});

it('says of a session that was killed that its task has no end', async () => {
  const { cwd, env, why } = await stage([
    { call: { name: 'shell', arguments: { command: 'touch begun; sleep 600', timeout_ms: 600_000 } } },
  ]);
  const run = runTroupe(['exec', '-C', cwd, 'Sleep'], { env });
  await appears(join(cwd, 'begun'));
  run.child.kill('SIGKILL');
  await run.ended;
  expect(await why('last')).toMatch(
    /is not open\nits task regular \(regular\/\w+\) has no end: .*\na resume closes it\n$/,
  );
});

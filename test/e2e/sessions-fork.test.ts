import { expect, it } from 'vitest';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

async function stage() {
  const cwd = temporaryDirectory();
  const server = await startScriptedServer([{ say: 'One.' }, { say: 'Two.' }, { say: 'Other.' }, { say: 'Three.' }]);
  const env = { ...server.env, TROUPE_HOME: temporaryDirectory() };
  const run = (...args: readonly string[]) => runTroupe([...args], { env }).ended;
  await run('exec', '-C', cwd, 'First');
  await run('exec', '-C', cwd, 'resume', '--last', 'Second');
  const [{ sessionId: id }] = (await run('sessions', 'list', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { run, server, id: String(id), cwd };
}

const idIn = (stdout: string) => stdout.trimEnd();

it('forks a session before a message, goes on with both where they have worked, and neither knows of the other', async () => {
  const { run, server, id, cwd } = await stage();
  const forked = await run('sessions', 'fork', id, '--before', '2');
  expect([forked.code, forked.stdout]).toEqual([0, expect.stringMatching(/^\w{26}\n$/)]);
  expect(forked.stderr).toMatch(/^It begins with 1 message of the user, and has its log in .*\.jsonl\.\nGo on with: /);
  const fork = idIn(forked.stdout);
  const other = await run('sessions', 'resume', fork, 'Else');
  const third = await run('sessions', 'resume', id, 'Third');
  expect([other, third].map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, 'Other.\n'],
    [0, 'Three.\n'],
  ]);
  expect(server.requests.map(({ history }) => history.length)).toEqual([1, 3, 3, 5]);
  const listed = (await run('sessions', 'list', '--json')).stdout.trimEnd().split('\n');
  expect(listed.map((line) => JSON.parse(line).cwd)).toEqual([cwd, cwd]);
});

it('forks all of a session as JSON, and says what is wrong with a place that there is not', async () => {
  const { run, id } = await stage();
  const { code, stdout } = await run('sessions', 'fork', 'last', '--json');
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    { sessionId: expect.any(String), forkedFrom: id, messages: 2, log: expect.stringContaining('.jsonl') },
  ]);
  const wrong = [
    await run('sessions', 'fork', id, '--at', 'nothing'),
    await run('sessions', 'fork', id, '--before', '1', '--at', 'x'),
    await run('sessions', 'fork', 'nobody'),
    await run('sessions', 'resume', 'nobody', 'Go'),
  ];
  expect(wrong.map(({ code: exit, stderr }) => [exit, stderr])).toEqual([
    [1, expect.stringContaining(`Expected an item of session ${id} that is complete, got "nothing".`)],
    [2, expect.stringContaining('Expected --before or --at, got both.')],
    [1, expect.stringContaining('Expected a session, got "nobody"')],
    [1, expect.stringContaining('Expected a session, got "nobody"')],
  ]);
});

import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const SPAWN = { name: 'spawn_agent', arguments: { message: 'look' } };
const script: Script = {
  lanes: { root: [{ call: SPAWN }, { say: 'I wait.' }, { say: 'Done.' }, { say: 'Two.' }], look: [{ say: 'Fine.' }] },
  pick: ({ history }) => (JSON.stringify(history[0]).includes('"look"') ? 'look' : 'root'),
};

/** Two sessions, the older one with a sub-session. */
async function stage() {
  const [cwd, home] = [temporaryDirectory(), temporaryDirectory()];
  const server = await startScriptedServer(script);
  const env = { ...server.env, TROUPE_HOME: home };
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runTroupe([...args], { env }).ended;
    return { code, stdout, stderr };
  };
  await run('exec', '-C', cwd, 'Look around');
  await run('exec', '-C', cwd, 'Say \u001b[31mtwo');
  const lines = (await run('sessions', 'list')).stdout.trimEnd().split('\n');
  const ids = lines.map((line) => line.split(' ')[0] ?? '');
  const logs = () =>
    readdirSync(join(home, 'sessions'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.jsonl'),
    );
  return { cwd, home, run, lines, ids, logs };
}

it('lists what there is, the newest first, without sub-sessions and without what a terminal would obey', async () => {
  const { cwd, run, lines } = await stage();
  expect(lines).toEqual([
    expect.stringMatching(
      new RegExp(
        `^\\w{26}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d  ${cwd}  Say \\\\u\\{1B\\}\\[31mtwo$|^\\w{26}  .*  Say [^\\u001b]*two$`,
      ),
    ),
    expect.stringMatching(/^\w{26} {2}.* {2}Look around$/),
  ]);
  const all = (await run('sessions', 'list', '--all', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect([
    all.length,
    all.map(({ path }) => path.length).toSorted(),
    all.map(({ problem, openedBy }) => [problem, openedBy]),
  ]).toEqual([
    3,
    [1, 1, 2],
    [
      [null, null],
      [null, null],
      [null, null],
    ],
  ]);
});

it('shows what was said and done, by the beginning of an id, and as events', async () => {
  const { run, ids } = await stage();
  const shown = await run('sessions', 'show', (ids[1] ?? '').slice(0, 20));
  const events = (await run('sessions', 'show', ids[1] ?? '', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect([
    shown.code,
    shown.stdout.includes('Look around'),
    shown.stdout.includes('Done.'),
    events.at(0)?.type,
    events.at(-1)?.type,
  ]).toEqual([0, true, true, 'session.opened', 'session.closed']);
});

it('exports and deletes a session with its sub-sessions, and only when it is told to', async () => {
  const { run, ids, logs } = await stage();
  const exported = (await run('sessions', 'export', ids[1] ?? '')).stdout.trimEnd().split('\n');
  expect(exported.filter((line) => line.includes('"type":"session.opened","payload"')).length).toBe(2);
  const asked = await run('sessions', 'delete', ids[1] ?? '');
  expect([asked.code, asked.stdout.includes('Say --yes'), logs().length]).toEqual([1, true, 3]);
  const deleted = await run('sessions', 'delete', ids[1] ?? '', '--yes');
  expect([deleted.code, deleted.stdout, logs().length]).toEqual([0, 'Deleted 2 logs.\n', 1]);
});

it('says of a log that is damaged what is wrong with it, and of an id that there is none', async () => {
  const { home, run, ids, logs } = await stage();
  const name = logs().find((one) => one.includes(ids[0] ?? '')) ?? '';
  appendFileSync(join(home, 'sessions', name), '{"v":1,"torn');
  const { stdout } = await run('sessions', 'list');
  expect(stdout).toContain('(its last line was never finished)');
  const shown = await run('sessions', 'show', ids[0] ?? '');
  expect([shown.code, shown.stderr]).toEqual([0, expect.stringContaining('The last line was never finished')]);
  const none = await run('sessions', 'show', 'nothing');
  expect([none.code, none.stderr]).toEqual([
    1,
    'troupe: Expected a session, got "nothing": there is no log of that name. See "troupe sessions list".\n',
  ]);
});

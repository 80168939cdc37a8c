import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

/** Put together here, so that no scanner of keys takes this file for a leak. */
const KEY = ['sk', 'proj', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('-');

it('hands the key to the program by no environment and no open file, and the program uses it', async () => {
  const home = temporaryDirectory();
  const found = Promise.withResolvers<void>();
  const server = await startScriptedServer([{ waitFor: found.promise, say: 'Done.' }]);
  const run = runTroupe(['exec', '--events', '-C', temporaryDirectory(), 'Go'], {
    env: { ...server.env, OPENAI_API_KEY: KEY, TROUPE_HOME: home },
    input: null,
  });
  await run.sees('stdout', '"step.started"');
  const pid = run.child.pid ?? 0;
  const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
  const files = readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    } catch {
      return ''; // Closed meanwhile.
    }
  });
  found.resolve();
  const { code, stdout, stderr } = await run.ended;
  expect(code).toBe(0);
  expect([
    environment.includes(KEY),
    environment.includes('OPENAI_BASE_URL'),
    files.some((path) => /deleted/.test(path)),
  ]).toEqual([false, true, false]);
  expect([stdout, stderr, ...logsIn(home)].filter((text) => text.includes(KEY))).toEqual([]);
});

it('shows no key that a command finds to the model, to who looks on, or to the log', async () => {
  const home = temporaryDirectory();
  const half = KEY.slice(0, 20);
  const command = `printf '%s' '${half}'; sleep 0.3; printf '%s\\n' '${KEY.slice(20)}'; env | grep -c OPENAI`;
  const outputs: string[] = [];
  const server = await startScriptedServer([
    { call: { name: 'shell', arguments: { command } } },
    (_, { lastOutputs }) => {
      outputs.push(...Object.values(lastOutputs));
      return { say: 'Done.' };
    },
  ]);
  const run = runTroupe(['exec', '--events', '-s', 'danger-full-access', '-C', temporaryDirectory(), 'Go'], {
    env: { ...server.env, OPENAI_API_KEY: KEY, TROUPE_HOME: home },
    input: null,
  });
  const { code, stdout } = await run.ended;
  expect([code, outputs.map((output) => output.split('Output:\n')[1])]).toEqual([
    0,
    ['[value of a variable, left out]\n0\n'],
  ]);
  // The command itself holds it in two parts.
  expect([stdout, ...logsIn(home), ...outputs].filter((text) => text.includes(KEY))).toEqual([]);
  expect(stdout).toContain('[value of a variable, left out]');
});

function logsIn(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl'))
    .map((path) => readFileSync(join(home, path), 'utf8'));
}

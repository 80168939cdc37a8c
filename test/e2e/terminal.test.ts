import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderTrust } from '../../src/index.ts';
import type { Script } from '../../src/testing/index.ts';
import { hasTerminal, type Run, runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const QUESTION = '[x] stop the task: ';
const ENTER = '\r';
const CTRL_C = '\x03';

const touch = (name: string) => ({ name: 'shell', arguments: { command: `touch ${name}` } });

async function atTerminal(script: Script, env: Readonly<Record<string, string>> = {}): Promise<Run & { cwd: string }> {
  const cwd = temporaryDirectory();
  const home = temporaryDirectory();
  const folders = folderTrust(home);
  await folders.remember((await folders.of(cwd)).folder, true);
  const server = await startScriptedServer(script);
  const options = { env: { TROUPE_HOME: home, ...server.env, ...env }, input: null, terminal: true } as const;
  return { ...runTroupe(['exec', '-C', cwd, '-a', 'untrusted', 'Go'], options), cwd };
}

// Skipped where `script` (util-linux), which makes a terminal, is missing.
describe.skipIf(!hasTerminal)('troupe exec at a terminal', () => {
  it('runs what a person approves, and does not take what was typed before for the answer', async () => {
    const typed = Promise.withResolvers<void>();
    const script: Script = [{ waitFor: typed.promise, call: touch('one') }, { call: touch('two') }, { say: 'Done.' }];
    const run = await atTerminal(script, { NO_COLOR: '1' });
    await run.sees('stdout', '    step │ 1');
    run.child.stdin?.write(`y${ENTER}`);
    // The terminal has it: it shows what is typed.
    await run.sees('stdout', '    step │ 1\r\ny\r\n');
    typed.resolve();
    await run.sees('stdout', QUESTION);
    run.child.stdin?.write(`n${ENTER}`);
    await run.sees('stdout', "-c 'touch two'");
    await run.sees(
      'stdout',
      `asked by  root\r\n         │ [r] approve, and by the rule from now on\r\n         │ [y] approve  [a] approve, and the same again in this session\r\n         │ [n] deny  ${QUESTION}n\r\ndecision │ denied`,
    );
    run.child.stdin?.write(`y${ENTER}`);
    const { code, stdout } = await run.ended;
    expect({ code, one: existsSync(join(run.cwd, 'one')), two: existsSync(join(run.cwd, 'two')) }).toEqual({
      code: 0,
      one: false,
      two: true,
    });
    expect(stdout).toContain('decision │ approved\r\n');
    expect(stdout).not.toContain('\x1b');
  });

  it('takes a question back when Ctrl-C stops the task, and says so', async () => {
    const run = await atTerminal([{ say: 'I make a file.', call: touch('one') }]);
    await run.sees('stdout', QUESTION);
    run.child.stdin?.write(CTRL_C);
    const { code, stdout } = await run.ended;
    expect({ code, one: existsSync(join(run.cwd, 'one')) }).toEqual({ code: 130, one: false });
    expect(stdout).toContain('requests withdrawn: 1\r\n');
    expect(stdout).toContain('\x1b[33mdecision\x1b[39m \x1b[2m│\x1b[22m withdrawn (aborted)\r\n');
  });

  it('asks for a prompt where there is none', async () => {
    const { code, stdout } = await runTroupe(['exec', '-m', 'm'], {
      env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' },
      input: null,
      terminal: true,
    }).ended;
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: 'troupe: Expected a prompt, got none. Give it as one argument, or - to read it from standard input.\r\n',
    });
  });
});

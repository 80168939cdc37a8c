import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { freePort, replyEvents, replyJson, startModelServer } from '../model/model-server.ts';
import { processesWith } from '../process/survivors.ts';
import { appears, type RunOptions, runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

/** Runs `troupe exec` against a server that plays the script, and gives how it ended and what the server saw. */
async function exec(script: Script, args: readonly string[], options: RunOptions = {}) {
  const server = await startScriptedServer(script);
  const run = runTroupe(['exec', ...args], { ...options, env: { ...server.env, ...options.env } });
  return { server, run };
}

/** What the model was told by the user, as the server saw it in the first request. */
function prompts({ server }: Awaited<ReturnType<typeof exec>>): unknown {
  return server.requests[0]?.history.flatMap((entry) =>
    entry.type === 'message' && entry.role === 'user' ? entry.content : [],
  );
}

const shell = (command: string, more: object = {}) => ({ name: 'shell', arguments: { command, ...more } });

/** A script whose command makes the file `begun` in its directory, and goes on. */
function sleeping(command: string): Script {
  return [{ call: shell(`touch begun; ${command}`, { timeout_ms: 600_000 }) }];
}

describe('troupe exec', () => {
  it('writes what the model says to standard output and everything else to standard error', async () => {
    const home = temporaryDirectory();
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'note.txt'), 'All is well.\n');
    const script: Script = [
      { say: ['I look ', 'first.'], call: shell('cat note.txt') },
      { say: 'It says that all is well.' },
    ];
    const { server, run } = await exec(script, ['-C', cwd, 'What does note.txt say?'], { env: { TROUPE_HOME: home } });
    const { code, stdout, stderr } = await run.ended;
    server.verify();
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'I look first.\n\nIt says that all is well.\n' });
    const id = /session │ (\S+) opened/.exec(stderr)?.[1];
    const log = / {5}log │ (\S+)\n$/.exec(stderr)?.[1] ?? '';
    expect(stderr).toBe(
      `${[
        ` session │ ${id} opened`,
        '    task │ regular started',
        `         │ model scripted · sandbox workspace-write · approvals on-request · in ${cwd}`,
        '    user │ What does note.txt say?',
        '    step │ 1',
        ' command │ cat note.txt',
        '  result │ ✓ exit code 0',
        '         │   All is well.',
        '    step │ 2',
        '    task │ ✓ completed · 220 tokens (200 in, 20 out)',
        ' session │ closed',
        `     log │ ${log}`,
      ].join('\n')}\n`,
    );
    expect(log.startsWith(`${home}/sessions/`) && log.endsWith(`/${id}.jsonl`)).toBe(true);
    expect(readFileSync(log, 'utf8')).toContain('It says that all is well.');
  });

  it('shows what the model says while it says it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const script: Script = [
      { say: 'One moment.', call: shell('true') },
      { waitFor: promise, say: 'Done.' },
    ];
    const { run } = await exec(script, ['Go']);
    await run.sees('stdout', 'One moment.\n');
    resolve();
    expect(await run.ended).toMatchObject({ code: 0, stdout: 'One moment.\n\nDone.\n' });
  });

  it.each([
    ['for -', ['-']],
    ['where there is no prompt and no terminal', []],
  ])('reads the prompt from standard input %s', async (_, args) => {
    const ran = await exec([{ say: 'Read.' }], args, { input: 'Line one ☕\nLine two\n' });
    expect(await ran.run.ended).toMatchObject({ code: 0, stdout: 'Read.\n' });
    expect(prompts(ran)).toEqual([{ type: 'text', text: 'Line one ☕\nLine two\n' }]);
  });

  it('leaves standard input alone when there is a prompt', async () => {
    const ran = await exec([{ say: 'Read.' }], ['Said'], { input: 'Piped' });
    expect(await ran.run.ended).toMatchObject({ code: 0 });
    expect(prompts(ran)).toEqual([{ type: 'text', text: 'Said' }]);
  });

  it('denies what would need a decision when there is no terminal, and says so', async () => {
    const cwd = temporaryDirectory();
    const script: Script = [
      { call: shell('echo made > made.txt') },
      (_, { lastOutputs }) => ({ say: `It was ${Object.values(lastOutputs).join()}.` }),
    ];
    const { run } = await exec(script, ['-C', cwd, '-a', 'untrusted', 'Make a file']);
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'It was rejected: Nobody is there to decide it..\n' });
    expect(stderr).toContain(`         │   runs      bash --noprofile --norc -c 'echo made > made.txt'\n`);
    expect(stderr).toContain(' warning │ A request was denied because nobody listens.');
    expect(stderr).toContain('decision │ denied (nobody is there to ask)\n');
  });

  it('shows foreign text so that a terminal does nothing with it', async () => {
    const script: Script = [
      { say: ['a\x1b', '[2Jb'], call: shell("echo -e '\\x1b]0;title\\x07'") },
      { say: '\x9b31mred \u202egnp.exe' },
    ];
    const { run } = await exec(script, ['Hello \x1b[31m']);
    const { stdout, stderr } = await run.ended;
    expect(stdout).toBe('a\\x1b[2Jb\n\n\\x9b31mred \\u{202e}gnp.exe\n');
    expect(stderr).toContain('         │   \\x1b]0;title\\x07\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(stdout + stderr)).toBe(false);
  });

  it('ends with 1 and says why when the task fails', async () => {
    const { run } = await exec([{ fail: { code: 'unauthorized', message: 'No such key.' } }], ['Go']);
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('    task │ ✗ failed (unauthorized): The server refused the API key. (401: No such key.');
  });
});

describe('troupe exec, where something is missing,', () => {
  it('stops when nobody reads the answer any more', async () => {
    const read = Promise.withResolvers<void>();
    const script: Script = [
      { say: 'One.', call: shell('true') },
      { waitFor: read.promise, say: 'Two.', hang: true },
    ];
    const { run } = await exec(script, ['Count']);
    await run.sees('stdout', 'One.');
    run.child.stdout?.destroy();
    read.resolve();
    const { code, stderr } = await run.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('stopping │ nobody reads the answer any more\n');
    expect(stderr).toContain(' receipt │ stopped in ');
  });

  it('does the task and says that there is no log when none can be made', async () => {
    const home = join(temporaryDirectory(), 'file');
    writeFileSync(home, '');
    const { run } = await exec([{ say: 'Done.' }], ['Go'], { env: { TROUPE_HOME: home } });
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Done.\n' });
    expect(stderr).toContain(' warning │ The session goes on, but is not logged safely: ');
    expect(stderr).toMatch(/ {5}log │ none could be made\n$/);
  });

  it('speaks Chat Completions to a server that has only those, but not where it is told otherwise', async () => {
    const chunk = { choices: [{ index: 0, delta: { content: 'Chatted.' }, finish_reason: 'stop' }] };
    const unknown = replyJson(404, { error: { message: 'Unknown path /v1/responses' } });
    const [server, other] = await Promise.all([
      startModelServer(unknown, replyEvents([chunk, '[DONE]'])),
      startModelServer(unknown),
    ]);
    const [auto, told] = await Promise.all([
      runTroupe(['exec', '-m', 'm', 'Go'], { env: { OPENAI_BASE_URL: server.baseURL } }).ended,
      runTroupe(['exec', '-m', 'm', '--wire', 'responses', 'Go'], { env: { OPENAI_BASE_URL: other.baseURL } }).ended,
    ]);
    expect({ code: auto.code, stdout: auto.stdout, paths: server.heads.map(({ url }) => url) }).toEqual({
      code: 0,
      stdout: 'Chatted.\n',
      paths: ['/v1/responses', '/v1/chat/completions'],
    });
    expect({ code: told.code, paths: other.heads.map(({ url }) => url) }).toEqual({
      code: 1,
      paths: ['/v1/responses'],
    });
  });

  it('says which server does not answer, and ends with 1', async () => {
    const OPENAI_BASE_URL = `http://127.0.0.1:${await freePort()}/v1`;
    const { code, stdout, stderr } = await runTroupe(['exec', '-m', 'none', 'Go'], { env: { OPENAI_BASE_URL } }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`(model-unreachable): No model server answers at ${OPENAI_BASE_URL} (ECONNREFUSED).`);
  });
});

describe('Ctrl-C', () => {
  it('stops a hanging model, closes its connection, keeps what was said and says what it did', async () => {
    const { server, run } = await exec([{ say: ['Half an ', 'answer'], hang: true }], ['Go on']);
    await run.sees('stdout', 'Half an answer');
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    await server.cut;
    expect({ code, stdout }).toEqual({ code: 130, stdout: 'Half an answer\n' });
    expect(stderr.replace(/\b\d+ ms\b/g, 'n ms')).toContain(
      `${[
        'stopping │ SIGINT: what runs is stopped (once more: close at once)',
        '    task │ stopping (interrupted)',
        '    task │ ✗ aborted (interrupted) · 0 tokens (0 in, 0 out)',
        ' receipt │ stopped in n ms: aborting n ms, settling n ms, cleanup n ms',
        '         │ processes: 0 killed, 0 still alive',
        '         │ requests withdrawn: 0',
        '         │ kept: 14 characters of an unfinished answer, 0 unfinished outputs',
        ' session │ closed',
        '     log │ ',
      ].join('\n')}`,
    );
  });

  it('leaves no process of a command behind', async () => {
    const home = temporaryDirectory();
    const { run } = await exec(sleeping('sleep 600 & sleep 600'), ['-s', 'danger-full-access', '-C', home, 'Sleep'], {
      env: { HOME: home },
    });
    await appears(join(home, 'begun'));
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/ {9}│ processes: [1-9] killed, 0 still alive\n/);
    expect(stderr).toMatch(/ {2}result │ ✗ exit code \d+, aborted\n/);
    expect(await processesWith(`HOME=${home}`)).toEqual([]);
  });

  it('twice closes at once, and kills all the same', async () => {
    const home = temporaryDirectory();
    const script = sleeping(`trap '' TERM; while :; do sleep 600; done`);
    const { run } = await exec(script, ['-s', 'danger-full-access', '-C', home, 'Sleep'], { env: { HOME: home } });
    await appears(join(home, 'begun'));
    run.child.kill('SIGINT');
    await run.sees('stderr', 'stopping │ SIGINT');
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 130 });
    expect(await processesWith(`HOME=${home}`)).toEqual([]);
  });

  it('is told apart from SIGTERM by the exit code', async () => {
    const { server, run } = await exec([{ say: 'Half', hang: true }], ['Go on']);
    await run.sees('stdout', 'Half');
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 143, stderr: expect.stringContaining(' receipt │ stopped in ') });
    await server.cut;
  });
});

describe('a wrong use', () => {
  it.each([
    ['an option that there is not', ['exec', '--nope', 'x'], "error: unknown option '--nope'"],
    ['a command that there is not', ['nope'], "error: unknown command 'nope'"],
    ['a sandbox that there is not', ['exec', '-s', 'sand', 'x'], 'Allowed choices are read-only, workspace-write'],
    ['a policy that there is not', ['exec', '-a', 'maybe', 'x'], 'Allowed choices are untrusted, on-request, never'],
    ['a prompt in several arguments', ['exec', 'mend', 'it'], "error: too many arguments for 'exec'"],
    ['no model', ['exec', 'x'], 'troupe: Expected the name of a model, got none. Give one with -m MODEL, or set'],
    ['no key for OpenAI', ['exec', '-m', 'gpt', 'x'], 'troupe: Expected apiKey to be a key: set OPENAI_API_KEY'],
    ['no such directory', ['exec', '-m', 'm', '-C', '/no/such', 'x'], 'troupe: Expected -C to name a directory, got'],
    ['a prompt of blanks', ['exec', '-m', 'm', ' '], 'troupe: Expected something to do, got an empty prompt.'],
  ])('is answered with 2 and what was expected: %s', async (what, args, says) => {
    const env: Record<string, string> = what.includes('key') ? {} : { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    const { code, stdout, stderr } = await runTroupe(args, { env }).ended;
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(says) });
  });
});

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { processesWith } from '../process/survivors.ts';
import { appears, type Run, type RunOptions, runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const MEBIBYTE = 1_048_576;

/** Runs `troupe exec` for a program, against a server that plays the script. */
async function exec(script: Script, args: readonly string[], options: RunOptions = {}) {
  const server = await startScriptedServer(script);
  const run = runTroupe(['exec', ...args], { ...options, env: { ...server.env, ...options.env } });
  return { server, run };
}

/** The lines of its output, each of which must be an object in JSON. */
function linesOf(stdout: string): Record<string, unknown>[] {
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

const firstPrompt = ({ server }: Awaited<ReturnType<typeof exec>>) =>
  server.requests[0]?.history.flatMap((entry) =>
    entry.type === 'message' && entry.role === 'user' ? entry.content : [],
  );

async function ended(run: Run) {
  const { code, stdout, stderr } = await run.ended;
  return { code, lines: linesOf(stdout), stderr };
}

const USAGE = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_output_tokens: 0 };
const id = expect.any(String);

describe('troupe exec --json', () => {
  it('writes the events of Codex and nothing else, with options in any order and some that there are not', async () => {
    const cwd = temporaryDirectory();
    const patch = '*** Begin Patch\n*** Add File: a.txt\n+one\n*** End Patch';
    const script: Script = [
      {
        say: 'I begin.',
        call: [
          { name: 'update_plan', arguments: { plan: [{ step: 'Add it', status: 'in_progress' }] } },
          { name: 'apply_patch', arguments: { input: patch } },
          { name: 'shell', arguments: { command: 'cat a.txt' } },
          { name: 'shell', arguments: { command: 'rm -f b.txt' } },
        ],
      },
      { say: 'Done.' },
    ];
    const args = [
      '--experimental-json',
      '--config',
      'features.x=true',
      '--thread-source',
      's',
      '--program',
      'standard',
    ];
    const more = ['--config', 'web_search="live"', '--cd', cwd, '--add-dir', '/usr/share', '--skip-git-repo-check'];
    const { run } = await exec(script, [...args, ...more], { input: 'Go' });
    const { code, lines, stderr } = await ended(run);
    const started = { id, type: 'command_execution', aggregated_output: '', status: 'in_progress' };
    const todo = { id, type: 'todo_list', items: [{ text: 'Add it', completed: false }] };
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        { type: 'thread.started', thread_id: id },
        { type: 'turn.started' },
        { type: 'item.completed', item: { id, type: 'agent_message', text: 'I begin.' } },
        { type: 'item.started', item: todo },
        {
          type: 'item.completed',
          item: { id, type: 'file_change', changes: [{ path: join(cwd, 'a.txt'), kind: 'add' }], status: 'completed' },
        },
        { type: 'item.started', item: { ...started, command: 'cat a.txt' } },
        {
          type: 'item.completed',
          item: { ...started, command: 'cat a.txt', aggregated_output: 'one\n', exit_code: 0, status: 'completed' },
        },
        { type: 'item.started', item: { ...started, command: 'rm -f b.txt' } },
        {
          type: 'item.completed',
          item: { id, type: 'error', message: expect.stringContaining('A request was denied because nobody listens.') },
        },
        {
          type: 'item.completed',
          item: {
            ...started,
            command: 'rm -f b.txt',
            aggregated_output: expect.stringContaining('rejected'),
            status: 'declined',
          },
        },
        { type: 'item.completed', item: { id, type: 'agent_message', text: 'Done.' } },
        { type: 'item.completed', item: todo },
        { type: 'turn.completed', usage: { ...USAGE, input_tokens: 200, output_tokens: 20 } },
      ],
    });
    for (const words of [
      'troupe: --program: not known, so it has no effect\ntroupe: standard: not known, so it has no effect\n',
      'note │ --config features.x: not known here, so it has no effect.\n',
      'note │ --config web_search: not available: there is no web search yet.\n',
      '     log │ ',
    ]) {
      expect(stderr).toContain(words);
    }
  });

  it('takes 5 MB on standard input, and writes the last answer where it is told to', async () => {
    const file = join(temporaryDirectory(), 'last.txt');
    const input = 'é'.repeat(2.5 * MEBIBYTE);
    const ran = await exec([{ say: 'Much.' }], ['--json', '-o', file], { input });
    expect(await ended(ran.run)).toMatchObject({ code: 0 });
    expect(firstPrompt(ran)).toEqual([{ type: 'text', text: input }]);
    expect(readFileSync(file, 'utf8')).toBe('Much.');
  });

  it('says that the last answer could not be written, though the turn is completed', async () => {
    const { run } = await exec([{ say: 'Done.' }], ['--json', '-o', '/no/such/file', 'Go']);
    const { code, lines, stderr } = await ended(run);
    expect({ code, last: lines.at(-1)?.type }).toEqual({ code: 1, last: 'turn.completed' });
    expect(stderr).toContain(
      'troupe: Expected to be able to write the answer to /no/such/file (--output-last-message)',
    );
  });

  it('takes a prompt that looks like an option, an image, and a schema for the answer', async () => {
    const directory = temporaryDirectory();
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    writeFileSync(join(directory, 'schema.json'), JSON.stringify(schema));
    writeFileSync(join(directory, 'a.png'), Buffer.from('89504e470d0a1a0a', 'hex'));
    const args = ['--json', '--image', 'a.png', '--output-schema', 'schema.json', '--', '--json'];
    const ran = await exec([{ say: '{"ok":true}' }], args, { cwd: directory });
    const { code, lines } = await ended(ran.run);
    expect({ code, answer: lines[2] }).toEqual({
      code: 0,
      answer: { type: 'item.completed', item: { id, type: 'agent_message', text: '{"ok":true}' } },
    });
    expect(firstPrompt(ran)).toEqual([
      { type: 'text', text: '--json' },
      { type: 'image', url: 'data:image/png;base64,iVBORw0KGgo=' },
    ]);
    expect(ran.server.requests[0]?.outputSchema).toMatchObject(schema);
  });

  it('ends with turn.failed and 1 when the model fails', async () => {
    const { run } = await exec([{ fail: { code: 'unauthorized', message: 'No such key.' } }], ['--json', 'Go']);
    const { code, lines } = await ended(run);
    expect({ code, last: lines.at(-1) }).toEqual({
      code: 1,
      last: { type: 'turn.failed', error: { message: expect.stringMatching(/^The server refused the API key\./) } },
    });
  });

  it.each([
    ['no model', [], 2, 'Expected the name of a model, got none.'],
    ['a wrong policy', ['-m', 'm', '-c', 'approval_policy="x"'], 2, 'Expected --config approval_policy to be'],
    ['no such session', ['-m', 'm', 'resume', 'ID'], 1, 'Expected a session, got "ID", of which there is no log.'],
    ['no schema', ['-m', 'm', '--output-schema', '/no'], 2, 'Expected --output-schema to name a file'],
    ['no image', ['-m', 'm', '--image', '/no.png'], 2, 'Expected --image to name a file, got /no.png.'],
  ])('says what is wrong and reads its input all the same: %s', async (_, args, code, message) => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    const run = runTroupe(['exec', '--json', ...args], { env, input: 'x'.repeat(MEBIBYTE) });
    const end = await ended(run);
    expect({ code: end.code, lines: end.lines, isRead: run.child.stdin?.writableFinished }).toEqual({
      code,
      lines: [{ type: 'turn.failed', error: { message: expect.stringContaining(message) } }],
      isRead: true,
    });
    expect(end.stderr).toContain(`troupe: ${message}`);
  });

  it('reads its input also where the options are wrong, and writes nothing', async () => {
    const run = runTroupe(['exec', '--json', '--sandbox', 'sand'], { input: 'x'.repeat(MEBIBYTE) });
    const { code, stdout } = await run.ended;
    expect({ code, stdout, isRead: run.child.stdin?.writableFinished }).toEqual({ code: 2, stdout: '', isRead: true });
  });
});

describe('a signal', () => {
  it('stops a command and its processes, and ends with turn.failed, the log and 143', async () => {
    const home = temporaryDirectory();
    const command = 'touch begun; sleep 600 & sleep 600';
    const script: Script = [{ call: { name: 'shell', arguments: { command, timeout_ms: 600_000 } } }];
    const { run } = await exec(script, ['--json', '-s', 'danger-full-access', '-C', home, 'Sleep'], {
      env: { HOME: home },
    });
    await appears(join(home, 'begun'));
    run.child.kill('SIGTERM');
    const { code, lines, stderr } = await ended(run);
    expect({ code, last: lines.at(-1) }).toEqual({
      code: 143,
      last: {
        type: 'turn.failed',
        error: {
          message: expect.stringMatching(/^The task was stopped: it was interrupted \(processes: [1-9] killed, 0/),
        },
      },
    });
    expect(await processesWith(`HOME=${home}`)).toEqual([]);
    const log = / {5}log │ (\S+)\n$/.exec(stderr)?.[1] ?? '';
    expect(readFileSync(log, 'utf8')).toContain('"type":"task.aborted"');
  });

  it('before the prompt was read ends with turn.failed and 130', async () => {
    const run = runTroupe(['exec', '--json', '-m', 'm'], {
      env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' },
      input: null,
    });
    await run.sees('stderr', 'Reading the prompt');
    run.child.kill('SIGINT');
    expect(await ended(run)).toMatchObject({
      code: 130,
      lines: [{ type: 'turn.failed', error: { message: 'Stopped before the prompt was read.' } }],
    });
  });

  it('as soon as the thread is told of ends with turn.failed and 130, and nothing runs to its end', async () => {
    const { run } = await exec([{ say: 'Done.' }], ['--json', 'Go']);
    await run.sees('stdout', 'thread.started');
    run.child.kill('SIGINT');
    const { code, lines } = await ended(run);
    expect({
      code,
      types: lines.map(({ type }) => type).filter((type) => /^thread|^turn\.[^s]/.test(String(type))),
    }).toEqual({ code: 130, types: ['thread.started', 'turn.failed'] });
  });
});

describe('troupe exec --events', () => {
  it("writes the session's own events, deltas too", async () => {
    const { run } = await exec([{ say: ['Hel', 'lo.'] }], ['--events', 'Go']);
    const { code, lines } = await ended(run);
    expect({ code, types: lines.map(({ type }) => type) }).toEqual({
      code: 0,
      types: [
        'session.opened',
        'task.started',
        'item.completed',
        'step.started',
        'item.started',
        'item.delta',
        'item.delta',
        'usage.updated',
        'item.completed',
        'step.completed',
        'task.completed',
        'session.closed',
      ],
    });
    expect(lines[5]).toMatchObject({ seq: null, delta: 'Hel' });
  });
});

describe('the configuration file', () => {
  it('counts less than a profile, that less than the environment, than --config, than an option', async () => {
    const home = temporaryDirectory();
    const profiles = { low: { model: 'of-profile', sandbox: 'danger-full-access', effort: 'low' } };
    const settings = { model: 'of-file', approvalPolicy: 'untrusted', sandbox: 'workspace-write', profiles };
    writeFileSync(join(home, 'config.json'), JSON.stringify(settings));
    const shown = async (...args: readonly string[]) => {
      const env = { TROUPE_HOME: home, TROUPE_MODEL: args.includes('--env') ? 'of-env' : '' };
      const { run } = await exec([{ say: 'Hi.' }], [...args.filter((word) => word !== '--env'), 'Go'], { env });
      return / {9}│ (model .*) · in /.exec((await run.ended).stderr)?.[1];
    };
    expect(await Promise.all([shown(), shown('-p', 'low'), shown('-p', 'low', '--env')])).toEqual([
      'model of-file · sandbox workspace-write · approvals untrusted',
      'model of-profile (low) · sandbox danger-full-access · approvals untrusted',
      'model of-env (low) · sandbox danger-full-access · approvals untrusted',
    ]);
    const config = ['--env', '-c', 'model="of-config"', '-c', 'sandbox_mode="read-only"'];
    expect(await Promise.all([shown(...config), shown(...config, '-m', 'of-option')])).toEqual([
      'model of-config · sandbox read-only · approvals untrusted',
      'model of-option · sandbox read-only · approvals untrusted',
    ]);
  });

  it('that cannot be used ends the command with 2, and is named', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'config.json'));
    const { code, stderr } = await runTroupe(['exec', 'Go'], { env: { TROUPE_HOME: home } }).ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`Expected to be able to read ${home}/config.json, got: EISDIR`),
    });
  });
});

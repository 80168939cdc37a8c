import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { processesWith } from '../process/survivors.ts';
import { appears, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const PACKAGE = '@openai/codex-sdk';
const VERSION = '0.163';
/** How long the registry may take, in ms. */
const INSTALL_MS = 120_000;

/** As much of the SDK as is used here. */
type Thread = {
  readonly id: string | null;
  run(input: unknown, options?: object): Promise<{ items: readonly unknown[]; finalResponse: string; usage: unknown }>;
  runStreamed(input: unknown, options?: object): Promise<{ events: AsyncIterable<{ type: string }> }>;
};
type Codex = { startThread(options?: object): Thread; resumeThread(id: string, options?: object): Thread };
type Sdk = { Codex: new (options: object) => Codex };

const project = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-codex-sdk-')));
let sdk: Sdk | null = null;

beforeAll(async () => {
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  const options = ['--omit=optional', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=1'];
  const npm = spawnSync('npm', ['install', ...options, `${PACKAGE}@${VERSION}`], {
    cwd: project,
    timeout: INSTALL_MS,
    encoding: 'utf8',
  });
  if (npm.status !== 0) {
    process.stderr.write(`Skipped: ${PACKAGE}@${VERSION} could not be installed.\n${npm.stderr}\n`);
    return;
  }
  const manifest = join(project, 'node_modules', PACKAGE, 'package.json');
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  const entry = join(project, 'node_modules', PACKAGE, exports['.'].import ?? exports['.'].default ?? exports['.']);
  sdk = await import(pathToFileURL(entry).href);
}, INSTALL_MS + 10_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

/** A thread of the SDK that drives our command line, with the directory in which it works, its home too. */
async function startThread(script: Script, options: object = {}) {
  if (sdk === null) throw new Error('Expected the SDK to be installed, got none.');
  const server = await startScriptedServer(script);
  const directory = temporaryDirectory();
  const codex = new sdk.Codex({
    codexPathOverride: inject('command'),
    baseUrl: server.env.OPENAI_BASE_URL,
    apiKey: 'sk-of-the-sdk',
    env: { PATH: process.env.PATH, HOME: directory, TROUPE_HOME: join(directory, '.troupe') },
    config: { show_raw_agent_reasoning: true, tools: {} },
  });
  const thread = codex.startThread({
    model: 'scripted',
    sandboxMode: 'danger-full-access',
    approvalPolicy: 'never',
    workingDirectory: directory,
    skipGitRepoCheck: true,
    ...options,
  });
  return { server, codex, thread, directory, left: () => processesWith(`HOME=${directory}`) };
}

const PATCH = '*** Begin Patch\n*** Update File: note.txt\n@@\n-one\n+two\n*** End Patch';
const SHELL_AND_PATCH: Script = [
  { say: 'I make a note.', call: { name: 'shell', arguments: { command: 'echo one > note.txt; echo made' } } },
  { call: { name: 'apply_patch', arguments: { input: PATCH } } },
  { say: 'It says two.' },
];
const id = expect.any(String);

describe(`${PACKAGE} ${VERSION}, which others wrote,`, () => {
  it('runs a turn with a command and a patch', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const options = {
      modelReasoningEffort: 'xhigh',
      networkAccessEnabled: true,
      webSearchMode: 'cached',
      threadSource: 's',
    };
    const { server, thread, directory, left } = await startThread(SHELL_AND_PATCH, options);
    const turn = await thread.run('Make a note');
    server.verify();
    expect(turn).toEqual({
      items: [
        { id, type: 'agent_message', text: 'I make a note.' },
        {
          id,
          type: 'command_execution',
          command: 'echo one > note.txt; echo made',
          aggregated_output: 'made\n',
          exit_code: 0,
          status: 'completed',
        },
        {
          id,
          type: 'file_change',
          changes: [{ path: join(directory, 'note.txt'), kind: 'update' }],
          status: 'completed',
        },
        { id, type: 'agent_message', text: 'It says two.' },
      ],
      finalResponse: 'It says two.',
      usage: {
        input_tokens: 300,
        cached_input_tokens: 0,
        cache_write_input_tokens: 0,
        output_tokens: 30,
        reasoning_output_tokens: 0,
      },
    });
    expect({ id: thread.id, note: readFileSync(join(directory, 'note.txt'), 'utf8') }).toEqual({ id, note: 'two\n' });
    expect(await left()).toEqual([]);
  });

  it('streams the events in order', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const { thread } = await startThread(SHELL_AND_PATCH);
    const { events } = await thread.runStreamed([
      { type: 'text', text: 'Make' },
      { type: 'text', text: 'a note' },
    ]);
    const types: string[] = [];
    for await (const event of events) types.push(event.type);
    expect(types).toEqual([
      'thread.started',
      'turn.started',
      'item.completed',
      'item.started',
      'item.completed',
      'item.completed',
      'item.completed',
      'turn.completed',
    ]);
  });

  it('gets a structured answer, for a prompt of 5 MB', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const prompt = `-${'é'.repeat(2_500_000)}`;
    const { server, thread } = await startThread([{ say: '{"ok":true}' }]);
    const outputSchema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    expect((await thread.run(prompt, { outputSchema })).finalResponse).toBe('{"ok":true}');
    const [request] = server.requests;
    expect(request?.outputSchema).toMatchObject(outputSchema);
    expect(JSON.stringify(request?.history).includes(prompt)).toBe(true);
  });

  it('is told why a turn failed', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const { thread, left } = await startThread([{ fail: { code: 'unauthorized', message: 'No such key.' } }]);
    await expect(thread.run('x'.repeat(1_000_000))).rejects.toThrow(
      /^The server refused the API key\..*\(unauthorized\)$/,
    );
    expect(await gone(left)).toEqual([]);
  });

  it('resumes a thread over three turns, each of which knows those before', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const { thread, server, codex, directory } = await startThread([
      { say: 'One.' },
      { say: 'Two.' },
      { say: 'Three.' },
    ]);
    const first = await thread.run('First');
    const { id } = thread;
    const second = await thread.run('Second');
    const third = await codex
      .resumeThread(id ?? '', { skipGitRepoCheck: true, workingDirectory: directory })
      .run('Third');
    server.verify();
    expect([first, second, third].map(({ finalResponse }) => finalResponse)).toEqual(['One.', 'Two.', 'Three.']);
    expect(server.requests.map(({ history }) => history.length)).toEqual([1, 3, 5]);
    expect(thread.id).toBe(id);
  });

  it('stops a turn by its signal, and nothing of ours is left running', async ({ skip }) => {
    skip(sdk === null, 'the registry does not answer');
    const command = `touch begun; trap '' TERM; sleep 600 & while :; do sleep 600; done`;
    const { thread, directory, left } = await startThread([
      { call: { name: 'shell', arguments: { command, timeout_ms: 600_000 } } },
    ]);
    const stop = new AbortController();
    const turn = thread.run('Sleep', { signal: stop.signal });
    turn.catch(() => {});
    await appears(join(directory, 'begun'));
    stop.abort();
    // Our last line comes before the SDK looks at its signal.
    await expect(turn).rejects.toThrow(
      /^The task was stopped: it was interrupted \(processes: [1-9] killed, 0 still alive\)\.$/,
    );
    expect(await gone(left)).toEqual([]);
    expect(existsSync(join(directory, '.troupe', 'sessions'))).toBe(true);
  });
});

/** The processes that are left; the SDK does not wait for the one it has started, which ends by itself. */
async function gone(left: () => Promise<number[]>): Promise<number[]> {
  for (let look = 0; look < LOOKS_MAX; look += 1) if ((await left()).length === 0) return [];
  return left();
}

/** Each look reads all of /proc, which takes some milliseconds. */
const LOOKS_MAX = 500;

import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadBashGrammar } from '../../src/here/bash-grammar.ts';
import { type PolicyPorts, systemPrograms } from '../../src/policy/programs.ts';
import { NO_RULES } from '../../src/policy/rules.ts';
import { confinementOf } from '../../src/policy/sandbox-profile.ts';
import type { CapturedOutput, Containment, Proc, ProcessEnd, ProcessSpec } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import type { RequestSubject } from '../../src/protocol/requests.ts';
import type { TaskContext } from '../../src/protocol/settings.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { COMMAND_MAX_BYTES, PROGRESS_CALLS_MAX, shellTool, TIMEOUT_MAX_MS } from '../../src/tools/shell.ts';
import type { ToolScope } from '../../src/tools/tool.ts';
import { processesWith } from '../process/survivors.ts';

const CONTEXT: TaskContext = {
  model: 'm',
  cwd: '/work',
  sandbox: 'danger-full-access',
  approvalPolicy: 'on-request',
};

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/me', API_KEY: 'secret' };

const UNCONFINED: Containment = { sandbox: false, container: false, why: 'none here.', mend: null, checks: [] };

const confine = (context: TaskContext, escalated: boolean) =>
  confinementOf(context, {}, { userHomes: ['/home/me'], state: '/state' }, escalated);

const POLICY: PolicyPorts = {
  grammar: loadBashGrammar,
  programs: () => systemPrograms,
  rules: async () => NO_RULES,
};

/** Processes that end as a test wants, and tell how they were started. */
function scripted(end: Partial<ProcessEnd> & { text?: string } = {}, containment = UNCONFINED) {
  const specs: ProcessSpec[] = [];
  const kills: number[] = [];
  const { text = '', ...rest } = end;
  const output: CapturedOutput = { text, totalBytes: Buffer.byteLength(text), truncated: false };
  const ended: ProcessEnd = {
    ...{ status: 'exited', exitCode: 0, signal: null, output, error: null, durationMs: 1_234, killed: null },
    ...rest,
  };
  const proc: Proc = {
    containment: () => Promise.resolve(containment),
    spawn(spec) {
      specs.push(spec);
      return {
        pid: 1,
        ended: Promise.resolve(ended),
        async kill(graceMs) {
          kills.push(graceMs);
          return { graceful: true, killed: 1, survivors: 0 };
        },
      };
    },
  };
  return { proc, specs, kills };
}

function toolOf(proc: Proc) {
  return shellTool(proc, { env: ENV, confine, policy: POLICY });
}

function scopeOf(context: Partial<TaskContext> = {}, signal: AbortSignal = new AbortController().signal) {
  const shown: string[] = [];
  const scope: ToolScope = {
    signal,
    callId: 'call-1',
    context: { ...CONTEXT, ...context },
    approved: null,
    progress: (text) => shown.push(text),
    ask: () => Promise.reject(new Error('Expected no question.')),
  };
  return { scope, shown };
}

const itemOf = (more: object) => ({
  type: 'command_execution',
  callId: 'call-1',
  command: 'make',
  cwd: '/work',
  ...more,
});

describe('the input of the shell', () => {
  const tool = toolOf(scripted().proc);
  const accepted = (input: object) => ({ ok: true, input });

  it.each([
    [{ command: 'ls' }],
    [{ command: 'ls', workdir: 'src', timeout_ms: 1, with_escalated_permissions: true, justification: 'why' }],
    [{ command: 'ls', workdir: null, timeout_ms: null, with_escalated_permissions: null, justification: null }],
    [{ command: 'ls', timeout_ms: TIMEOUT_MAX_MS }],
    [{ command: 'x'.repeat(COMMAND_MAX_BYTES) }],
    [{ command: '' }],
  ])('may be %j', async (input) => {
    expect(await tool.parse(input)).toEqual(accepted(input));
  });

  it('is what the tool knows of it', async () => {
    expect(await tool.parse({ command: 'ls', sandbox: 'off' })).toEqual(accepted({ command: 'ls' }));
  });

  it.each([
    [{ command: ['bash', '-c', 'ls'] }, 'command: Expected one string for `bash -c`, got an array.'],
    [{}, 'command: '],
    [{ command: 1 }, 'command: '],
    [{ command: 'x'.repeat(COMMAND_MAX_BYTES + 1) }, 'command: Expected at most 131071 bytes.'],
    [{ command: '€'.repeat(50_000) }, 'command: Expected at most 131071 bytes.'],
    [{ command: 'ls', timeout_ms: 0 }, 'timeout_ms: '],
    [{ command: 'ls', timeout_ms: TIMEOUT_MAX_MS + 1 }, 'timeout_ms: '],
    [{ command: 'ls', timeout_ms: 1.5 }, 'timeout_ms: '],
    [{ command: 'ls', timeout_ms: '1000' }, 'timeout_ms: '],
    [{ command: 'ls', workdir: 1 }, 'workdir: '],
    [{ command: 'ls', with_escalated_permissions: 'yes' }, 'with_escalated_permissions: '],
    [{ command: 'ls', justification: 'x'.repeat(4_001) }, 'justification: '],
    [null, ''],
    [['ls'], ''],
    ['ls', ''],
  ])('may not be %j', async (input, words) => {
    expect(await tool.parse(input)).toEqual({ ok: false, message: expect.stringContaining(words) });
  });

  it('is described to the model', () => {
    expect([
      tool.name,
      tool.parallel,
      Object.keys(Object(tool.parameters.properties)),
      tool.parameters.required,
    ]).toEqual([
      'shell',
      false,
      ['command', 'workdir', 'timeout_ms', 'with_escalated_permissions', 'justification'],
      ['command'],
    ]);
  });
});

describe('a call of the shell', () => {
  it('is shown before it runs', () => {
    const call = { callId: 'call-1', context: CONTEXT };
    expect(toolOf(scripted().proc).present({ command: 'make', workdir: 'src' }, call)).toEqual(
      itemOf({ cwd: '/work/src', exitCode: null, output: '', status: 'in_progress' }),
    );
  });

  it.each([
    [undefined, '/work'],
    [null, '/work'],
    ['', '/work'],
    ['src', '/work/src'],
    ['../other', '/other'],
    ['/etc', '/etc'],
  ])('is checked where it runs, with workdir %j', async (workdir, cwd) => {
    const input = { command: 'make', workdir, with_escalated_permissions: true, justification: 'why' };
    const check = await toolOf(scripted().proc).check(input, { ...CONTEXT, sandbox: 'workspace-write' });
    expect(check).toMatchObject({
      verdict: 'ask',
      subject: { cwd, escalated: true },
      reason: expect.stringMatching(/why$/),
    });
  });

  it('needs no decision for a plain read', async () => {
    const context = { ...CONTEXT, sandbox: 'workspace-write' } as const;
    expect(await toolOf(scripted().proc).check({ command: 'ls' }, context)).toEqual({ verdict: 'allow' });
  });

  it('runs bash without files of its own, in its directory, within its limits', async () => {
    const { proc, specs } = scripted();
    await toolOf(proc).execute({ command: 'make', workdir: 'src' }, scopeOf().scope);
    expect(specs).toEqual([
      {
        argv: ['bash', '--noprofile', '--norc', '-c', 'make'],
        cwd: '/work/src',
        env: {
          ...{ PATH: ENV.PATH, HOME: ENV.HOME, TERM: 'dumb', NO_COLOR: '1', PAGER: 'cat', GIT_PAGER: 'cat' },
          GIT_TERMINAL_PROMPT: '0',
        },
        timeoutMs: 10_000,
        graceMs: 100,
        keepBytes: 1_048_576,
        outputMaxBytes: 268_435_456,
        confinement: { type: 'container' },
        onOutput: expect.any(Function),
      },
    ]);
  });

  const sandboxed = { sandbox: 'workspace-write' } as const;
  const confined: Containment = { ...UNCONFINED, sandbox: true, container: true, why: null };
  const approved = (sandbox: string): RequestSubject => ({
    ...{ kind: 'command', argv: ['bash'], shown: 'make', cwd: '/work', escalated: false },
    sandbox,
  });

  it.each<[string, Containment, Partial<ToolScope>, object, string]>([
    ['in the sandbox of its task', confined, {}, {}, 'sandbox'],
    ['without its limits once more was allowed', confined, {}, { with_escalated_permissions: true }, 'container'],
    [
      'in no sandbox where there is none and a person agreed',
      UNCONFINED,
      { approved: approved('none') },
      {},
      'container',
    ],
    [
      'never without when that was not what a person agreed to',
      UNCONFINED,
      { approved: approved('workspace-write') },
      {},
      'sandbox',
    ],
    ['never without when nobody was asked', UNCONFINED, {}, {}, 'sandbox'],
  ])('is confined %s', async (_, containment, more, input, type) => {
    const { proc, specs } = scripted({}, containment);
    await toolOf(proc).execute({ command: 'make', ...input }, { ...scopeOf(sandboxed).scope, ...more });
    expect(specs.map(({ confinement }) => confinement?.type)).toEqual([type]);
  });

  it('is confined as far as there is something to do it when it only reads', async () => {
    const { proc, specs } = scripted();
    await toolOf(proc).execute({ command: 'ls' }, scopeOf(sandboxed).scope);
    expect(specs.map(({ confinement }) => confinement)).toEqual([{ type: 'container' }]);
  });

  it('takes the programs of a plain read, which nobody was asked about, from the system', async () => {
    const { proc, specs } = scripted();
    const env = { PATH: '/work/node_modules/.bin:.:/usr/bin' };
    const tool = shellTool(proc, { env, confine, policy: POLICY });
    for (const sandbox of ['workspace-write', 'danger-full-access'] as const) {
      for (const command of ['ls', 'make']) await tool.execute({ command }, scopeOf({ sandbox }).scope);
    }
    expect(specs.map((spec) => spec.env.PATH)).toEqual(['/usr/bin:/bin', env.PATH, env.PATH, env.PATH]);
  });

  it('takes as long as the model says', async () => {
    const { proc, specs } = scripted();
    await toolOf(proc).execute({ command: 'make', timeout_ms: 77 }, scopeOf().scope);
    expect(specs[0]?.timeoutMs).toBe(77);
  });
});

describe('what a call of the shell came to', () => {
  const resultOf = (end: Parameters<typeof scripted>[0], scope = scopeOf().scope) =>
    toolOf(scripted(end).proc).execute({ command: 'make', timeout_ms: 500 }, scope);
  const lines = (...all: readonly string[]) => all.join('\n');

  it('is its code, its time and its output', async () => {
    expect(await resultOf({ text: 'built\n' })).toEqual({
      output: lines('Exit code: 0', 'Wall time: 1.2 seconds', 'Output:', 'built\n'),
      success: true,
      item: itemOf({ exitCode: 0, output: 'built\n', status: 'completed' }),
    });
  });

  it('is a failure when the code is not 0', async () => {
    expect(await resultOf({ exitCode: 2, text: 'no' })).toEqual({
      output: lines('Exit code: 2', 'Wall time: 1.2 seconds', 'Output:', 'no'),
      success: false,
      item: itemOf({ exitCode: 2, output: 'no', status: 'failed' }),
    });
  });

  it('says that it took too long', async () => {
    const killed = { graceful: true, killed: 3, survivors: 0 };
    expect(await resultOf({ status: 'timed-out', exitCode: 124, text: 'part', killed })).toEqual({
      output: lines(
        ...['command timed out after 500 milliseconds', 'Exit code: 124', 'Wall time: 1.2 seconds', 'Output:', 'part'],
      ),
      success: false,
      item: itemOf({ exitCode: 124, output: 'part', status: 'failed' }),
      killed,
    });
  });

  it('says that it wrote too much, and is a failure whatever its code', async () => {
    const killed = { graceful: true, killed: 1, survivors: 0 };
    expect(await resultOf({ status: 'output-limit', exitCode: 0, killed })).toEqual({
      output: lines(
        'command was stopped: it wrote more than 268435456 bytes',
        ...['Exit code: 0', 'Wall time: 1.2 seconds', 'Output:', ''],
      ),
      success: false,
      item: itemOf({ exitCode: 0, output: '', status: 'failed' }),
      killed,
    });
  });

  it('says why it was not started', async () => {
    const end = { status: 'not-started', exitCode: 127, error: 'No such directory.', durationMs: 0 } as const;
    expect(await resultOf(end)).toEqual({
      output: lines('Exit code: 127', 'Wall time: 0.0 seconds', 'Output:', 'No such directory.'),
      success: false,
      item: itemOf({ exitCode: null, output: 'No such directory.', status: 'failed' }),
    });
  });

  it('says what was stopped in the background, and what could not be', async () => {
    const { output, killed } = await resultOf({ killed: { graceful: false, killed: 2, survivors: 1 } });
    expect([output, killed]).toEqual([
      lines(
        ...['Exit code: 0', 'Wall time: 1.2 seconds', 'Stopped in the background: 2', 'Could not be stopped: 1'],
        ...['Output:', ''],
      ),
      { graceful: false, killed: 2, survivors: 1 },
    ]);
  });

  it('is shortened in the middle for the model, and says how much there was', async () => {
    const text = 'x'.repeat(10_241);
    const { output, item } = await resultOf({ text });
    const half = 'x'.repeat(5_120);
    expect([output, item]).toEqual([
      lines(
        ...['Exit code: 0', 'Wall time: 1.2 seconds', 'Total output: 10241 bytes', 'Output:'],
        ...[half, '[... 1 bytes left out ...]', half],
      ),
      itemOf({ exitCode: 0, output: text, status: 'completed' }),
    ]);
  });

  it('is shortened once, however often it was cut', async () => {
    const kept = `${'a'.repeat(6_000)}\n[... 9000 bytes left out ...]\n${'b'.repeat(6_000)}`;
    const { output } = await resultOf({ output: { text: kept, totalBytes: 21_000, truncated: true } });
    expect(output.match(/bytes left out/g)).toHaveLength(1);
    expect(output).toContain(
      lines('Total output: 21000 bytes', 'Output:', 'a'.repeat(5_120), '[... 10760 bytes left out'),
    );
  });

  it('is aborted when the task is, and keeps what there was', async () => {
    const { proc, kills } = scripted({
      status: 'killed',
      exitCode: 143,
      text: 'part',
      killed: { graceful: true, killed: 1, survivors: 0 },
    });
    const controller = new AbortController();
    const result = toolOf(proc).execute({ command: 'make' }, scopeOf({}, controller.signal).scope);
    controller.abort();
    expect([await result, kills]).toEqual([
      {
        output: lines('Exit code: 143', 'Wall time: 1.2 seconds', 'Output:', 'part', 'aborted by user after 1.2 s'),
        success: false,
        item: itemOf({ exitCode: 143, output: 'part', status: 'aborted' }),
        killed: { graceful: true, killed: 1, survivors: 0 },
      },
      [100],
    ]);
  });

  it('is aborted after no less than a tenth of a second', async () => {
    const controller = new AbortController();
    const { proc } = scripted({ status: 'killed', exitCode: 143, durationMs: 3 });
    const result = toolOf(proc).execute({ command: 'make' }, scopeOf({}, controller.signal).scope);
    controller.abort();
    expect((await result).output).toMatch(/\naborted by user after 0\.1 s$/);
  });

  it('is nothing when the task was aborted before', async () => {
    const { proc, specs } = scripted();
    expect([await toolOf(proc).execute({ command: 'make' }, scopeOf({}, AbortSignal.abort()).scope), specs]).toEqual([
      {
        output: 'aborted by user before the command was started',
        success: false,
        item: itemOf({ exitCode: null, output: '', status: 'aborted' }),
      },
      [],
    ]);
  });

  it('is not touched by an abort that comes later', async () => {
    const controller = new AbortController();
    const { proc, kills } = scripted();
    await toolOf(proc).execute({ command: 'make' }, scopeOf({}, controller.signal).scope);
    controller.abort();
    expect(kills).toEqual([]);
  });

  it('shows so many pieces of output while it runs, and no more', async () => {
    const { proc, specs } = scripted();
    const { scope, shown } = scopeOf();
    await toolOf(proc).execute({ command: 'make' }, scope);
    for (let piece = 0; piece < PROGRESS_CALLS_MAX + 5; piece += 1) specs[0]?.onOutput?.(`${piece}\n`);
    expect([shown.length, shown[0], shown.at(-1)]).toEqual([PROGRESS_CALLS_MAX, '0\n', `${PROGRESS_CALLS_MAX - 1}\n`]);
  });
});

describe('the shell on this machine', async () => {
  const cwd = await realpath(await mkdtemp(join(tmpdir(), 'troupe-shell-')));
  const tag = `LC_TROUPE=${cwd}`;
  const env = { PATH: process.env.PATH ?? '', LC_TROUPE: cwd, API_KEY: 'secret' };
  const proc = systemProc(systemClock);
  const tool = shellTool(proc, { env, confine, policy: POLICY });
  const { container } = await proc.containment();

  afterEach(async () => {
    expect(await processesWith(tag)).toEqual([]);
  });

  afterAll(async () => {
    await rm(cwd, { recursive: true });
  });

  it('runs a command, shows its output, and stops what it leaves', async () => {
    await writeFile(join(cwd, 'a.txt'), 'hello\n');
    const { scope, shown } = scopeOf({ cwd });
    const command = 'cat a.txt; pwd; echo "[$API_KEY]"; sleep 600 &';
    const { output, success, item } = await tool.execute({ command }, scope);
    const text = `hello\n${cwd}\n[]\n`;
    // A container takes what is left with it, uncounted.
    const stopped = container ? '' : 'Stopped in the background: 1\n';
    expect([output.replace(/\d+\.\d/, 'S'), success, shown.join(''), item]).toEqual([
      `Exit code: 0\nWall time: S seconds\n${stopped}Output:\n${text}`,
      true,
      text,
      { type: 'command_execution', callId: 'call-1', command, cwd, exitCode: 0, output: text, status: 'completed' },
    ]);
  });

  it('stops a command and all it started when the task is aborted', async () => {
    const controller = new AbortController();
    const { scope } = scopeOf({ cwd }, controller.signal);
    const started = { ...scope, progress: () => controller.abort() };
    const command = "trap '' TERM; setsid sleep 600 & sleep 600 & echo begun; sleep 600";
    const { output, item, killed } = await tool.execute({ command }, started);
    expect([output.replaceAll(/\d+\.\d/g, 'S'), item, killed?.survivors]).toEqual([
      'Exit code: 137\nWall time: S seconds\nOutput:\nbegun\naborted by user after S s',
      {
        type: 'command_execution',
        callId: 'call-1',
        command,
        cwd,
        exitCode: 137,
        output: 'begun\n',
        status: 'aborted',
      },
      0,
    ]);
  });

  it('tells of a directory that is not there', async () => {
    const { output, item } = await tool.execute({ command: 'ls', workdir: 'missing' }, scopeOf({ cwd }).scope);
    const error = `Expected the working directory "${cwd}/missing" to exist, but it does not.`;
    expect([output, item]).toEqual([
      `Exit code: 127\nWall time: 0.0 seconds\nOutput:\n${error}`,
      {
        ...{ type: 'command_execution', callId: 'call-1', command: 'ls', cwd: `${cwd}/missing` },
        ...{ exitCode: null, output: error, status: 'failed' },
      },
    ]);
  });
});

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canRun, examine, type Patient } from '../../src/cli/doctor.ts';
import { type Check, checkHome, checkModel, checkNode, checkSandbox } from '../../src/cli/doctor-checks.ts';
import { doctorLines } from '../../src/cli/doctor-lines.ts';
import { PLAIN } from '../../src/cli/terminal.ts';
import type { Containment } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { freePort } from '../model/model-server.ts';
import { listing, startListServer } from './list-server.ts';

function temporaryDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-doctor-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const patient = (more: Partial<Patient>): Patient => ({
  nodeVersion: 'v24.0.0',
  env: { PATH: process.env.PATH ?? '' },
  home: temporaryDirectory(),
  settings: {},
  apiKey: undefined,
  localKinds: [],
  ...more,
});

const byName = (checks: readonly Check[], name: string) => checks.find((check) => check.name === name);

describe('the doctor', () => {
  it('finds that a task can run where all is there', async () => {
    const { baseURL } = await startListServer(listing('a', 'b'));
    const { sandbox } = await systemProc(systemClock).containment();
    const { checks } = await examine(patient({ settings: { baseURL, model: 'b' } }));
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ['Node', 'good'],
      ['bash', 'good'],
      ['git', 'good'],
      ['sandbox', sandbox ? 'good' : 'poor'],
      ['state', 'good'],
      ['model', 'good'],
    ]);
    expect(byName(checks, 'model')?.words).toBe(`b: ${baseURL} answers, and has it`);
    expect(canRun(checks)).toBe(true);
  });

  it.each<[string, Partial<Containment>, Check]>([
    [
      'tells what a sandbox does, and what was tried out',
      { sandbox: true, container: true, checks: [{ name: 'the network is not reached', holds: true, words: 'yes' }] },
      {
        ...{ name: 'sandbox', status: 'good', mend: null },
        words: 'commands write to the workspace only, have no network, and die with their task',
        details: ['the network is not reached: yes'],
      },
    ],
    [
      'tells why there is none, what follows, and the command that mends it',
      {
        ...{ why: 'bubblewrap was not found.', mend: 'sudo apt-get install bubblewrap' },
        checks: [{ name: 'bubblewrap', holds: false, words: 'not on the PATH' }],
      },
      {
        ...{ name: 'sandbox', status: 'poor', mend: 'sudo apt-get install bubblewrap' },
        words:
          'none: bubblewrap was not found. Each command that is not plainly read-only asks, and with your yes it runs with your full rights; ' +
          'with -a never it is refused; what a command leaves behind is looked for and killed, but a process that hides, or a SIGKILL of ' +
          'troupe, can leave some',
        details: ['NOT: bubblewrap (not on the PATH)'],
      },
    ],
  ])('%s', (_, containment, check) => {
    const nothing: Containment = { sandbox: false, container: false, why: null, mend: null, checks: [] };
    expect(checkSandbox({ ...nothing, ...containment })).toEqual(check);
  });

  it('finds that none can where there is no model, no bash, or a Node that is too old', async () => {
    const { checks } = await examine(patient({ nodeVersion: 'v22.12.9', env: { PATH: '/nowhere' } }));
    expect(checks.filter(({ status }) => status === 'bad').map(({ name, mend }) => [name, mend])).toEqual([
      ['Node', 'npm install node@24'],
      ['bash', 'sudo apt-get install bash'],
      ['model', 'export OPENAI_API_KEY=… TROUPE_MODEL=gpt-5'],
    ]);
    expect(byName(checks, 'git')?.status).toBe('poor');
    expect(canRun(checks)).toBe(false);
  });

  it('finds that one can with a server on this machine, though none is set', async () => {
    const { baseURL } = await startListServer(listing('qwen3'));
    const localKinds = [{ name: 'Ollama', baseURL }];
    const { checks, local } = await examine(patient({ localKinds }));
    expect(byName(checks, 'model')).toEqual({
      name: 'model',
      status: 'poor',
      words: expect.stringMatching(/^none is set: .*; but one on this machine can be used$/),
      mend: `OPENAI_BASE_URL=${baseURL} troupe exec --wire auto -m qwen3 "What is in this directory?"`,
    });
    expect({ canRun: canRun(checks), local: local.length }).toEqual({ canRun: true, local: 1 });
  });

  it.each([
    ['v22.13.0', 'good'],
    ['v23.0.0', 'good'],
    ['v20.19.0', 'bad'],
  ] as const)('knows which Node will do: %s', (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });
});

describe('the model that is set', () => {
  const judged = async (reply: Parameters<typeof startListServer>[0] | null, model: string | undefined) => {
    const baseURL = reply === null ? `http://127.0.0.1:${await freePort()}/v1` : (await startListServer(reply)).baseURL;
    const { checks } = await examine(patient({ settings: { baseURL, model }, apiKey: 'sk-key' }));
    const { status, words, mend } = byName(checks, 'model') ?? {};
    return { status, words: words?.replace(baseURL, 'URL'), mend };
  };

  it.each([
    ['is refused the key', 401, 'bad', 'URL refuses the key (401)', 'export OPENAI_API_KEY=…'],
    ['is not listed anywhere', 404, 'good', 'b: URL answers (404), but lists no models', null],
  ])('may be one that %s', async (_, code, status, words, mend) => {
    expect(await judged((response) => response.writeHead(code).end(), 'b')).toEqual({ status, words, mend });
  });

  it('may be missing in the list, or not be named', async () => {
    expect(await judged(listing('a b'), 'c')).toEqual({
      status: 'poor',
      words: 'URL answers, but does not list c',
      mend: `export TROUPE_MODEL='a b'`,
    });
    expect(await judged(listing('a'), undefined)).toEqual({
      status: 'bad',
      words: 'URL answers; but no model is named',
      mend: 'export TROUPE_MODEL=a',
    });
  });

  it('may be out of reach', async () => {
    expect(await judged(null, 'b')).toEqual({
      status: 'bad',
      words: 'no model server answers at URL (ECONNREFUSED)',
      mend: 'export OPENAI_BASE_URL=http://…/v1',
    });
  });

  it('is shown so that a terminal does nothing with its name', () => {
    const answer = { status: 'models', models: ['\x1b[2J'] } as const;
    const check = checkModel({ model: undefined, baseURL: 'http://x', isConfigured: true, answer }, []);
    expect(check.mend).toBe(`export TROUPE_MODEL='\\x1b[2J'`);
  });
});

describe('the directory of the logs', () => {
  it('may be private, or not be there yet', () => {
    const home = temporaryDirectory();
    expect(checkHome(home)).toEqual({ name: 'state', status: 'good', words: home, mend: null });
    const words = `${home}/a/b, made with the first task`;
    expect(checkHome(join(home, 'a/b'))).toEqual({ name: 'state', status: 'good', words, mend: null });
  });

  it('may be open to others, or be none', () => {
    const home = join(temporaryDirectory(), 'my home');
    mkdirSync(home);
    chmodSync(home, 0o755);
    expect(checkHome(home)).toEqual({
      name: 'state',
      status: 'poor',
      words: `expected '${home}' to be private, got mode 0755`,
      mend: `chmod 700 '${home}'`,
    });
    writeFileSync(join(home, 'file'), '');
    expect(checkHome(join(home, 'file'))).toMatchObject({
      status: 'poor',
      words: expect.stringContaining('expected a directory, got something else'),
    });
    expect(checkHome(join(home, 'file/below'))).toMatchObject({ status: 'poor' });
  });
});

describe('what a person reads', () => {
  const good: Check = { name: 'Node', status: 'good', words: 'v24', mend: null };
  const bad: Check = { name: 'bash', status: 'bad', words: 'missing', mend: 'get bash' };

  it('has each look on a line, and what mends it below', () => {
    const line = 'OPENAI_BASE_URL=u troupe exec';
    const models = ['a', 'b\x1b', 'c', 'd', 'e', 'f'];
    const local = [
      { name: 'vLLM', baseURL: 'http://v', models, line },
      { name: 'Ollama', baseURL: 'http://o', models: [], line: null },
    ];
    expect(doctorLines({ checks: [good, bad], local }, '/c.json', PLAIN)).toEqual([
      '    Node │ ✓ v24',
      '    bash │ ✗ missing',
      '         │   → get bash',
      `   local │ vLLM (or another) at http://v: a, 'b\\x1b', c, d, e and 1 more`,
      `         │   → ${line}`,
      '   local │ Ollama (or another) at http://o: no model',
      'settings │ /c.json',
      '',
      'No task can run yet: mend what is marked with ✗.',
    ]);
  });

  it('ends with that a task can run, where one can', () => {
    const poor: Check = { ...bad, status: 'poor' };
    expect(doctorLines({ checks: [poor], local: [] }, '/c.json', PLAIN)).toEqual([
      '    bash │ ! missing',
      '         │   → get bash',
      '   local │ no model server answers on the usual ports of this machine',
      'settings │ /c.json',
      '',
      'A task can run.',
    ]);
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { lastLines, scripts } from '../../examples/scripts.ts';
import { examples, runScripted } from '../../scripts/example.ts';
import { expectLegalLogsBelow } from '../legal-logs.ts';
import { scriptedServer } from './scripted-server.ts';

const root = resolve(import.meta.dirname, '../..');
const home = await mkdtemp(join(tmpdir(), 'troupe-readme-'));
afterAll(async () => {
  await expectLegalLogsBelow(home);
  await rm(home, { recursive: true });
});

async function blocksOf(path: string): Promise<string[]> {
  const text = await readFile(join(root, path), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

/** Runs a program as a reader would, against a server that plays a script. */
async function run(
  program: string,
  script: Parameters<typeof scriptedServer>[0],
  args = ['--input-type=module-typescript', '-e', program],
) {
  const server = await scriptedServer(script);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TROUPE_HOME: home,
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: server.baseURL,
  };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env });
    server.wire.verify();
    return stdout;
  } finally {
    await server.close();
  }
}

describe('the README', () => {
  it('embeds a session in fifteen lines that run', async () => {
    const [program = ''] = await blocksOf('README.md');
    expect(program.trim().split('\n').length).toBeLessThanOrEqual(20);
    const out = await run(program, [
      {
        say: ['I will ', 'look.'],
        call: { name: 'shell', arguments: { command: 'git --version', with_escalated_permissions: true } },
      },
      (_request, { lastOutputs }) => ({
        say: Object.values(lastOutputs)[0]?.includes('git version') ? ' It is mended.' : ' No.',
      }),
    ]);
    expect(out).toContain('I will look.');
    expect(out).toContain('May it? root');
    expect(out).toContain("status: 'completed'");
    expect(out).toContain("answer: ' It is mended.'");
  });

  it('defines a kind of its own that runs', async () => {
    const [, program = ''] = await blocksOf('README.md');
    expect(await run(program, [{ say: 'It exports everything.' }])).toBe('It exports everything.\n');
  });
});

describe('the examples', () => {
  it('all have a script, and a last line to be known by', () => {
    const numbers = [...examples().keys()];
    expect([Object.keys(scripts).toSorted(), Object.keys(lastLines).toSorted()]).toEqual([numbers, numbers]);
  });

  for (const [number, file] of examples()) {
    it(`${basename(file)} runs`, async () => {
      let output = '';
      const note = (text: string) => {
        output += text;
      };
      const code = await runScripted(file, scripts[number] ?? [], note, { HOME: home, TROUPE_HOME: home });
      expect([code, output.trimEnd().split('\n').at(-1)]).toEqual([0, expect.stringMatching(lastLines[number] ?? '')]);
    });
  }
});

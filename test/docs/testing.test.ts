import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

it('checks a kind of your own in the eight lines of docs/testing.md, with another runner than ours', async () => {
  const text = await readFile(resolve(root, 'docs/testing.md'), 'utf8');
  const [, program = ''] = /^```ts\n(.*?)^```$/ms.exec(text) ?? [];
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBe(7);
  const kind = resolve(import.meta.dirname, 'titles.ts');
  const args = [
    '--input-type=module-typescript',
    '--test-reporter=tap',
    '-e',
    program.replace('../src/titles.ts', kind),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout).toMatch(/^# tests 23$/m);
  expect(stdout).toMatch(/^# pass 23$/m);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listing, startListServer } from '../cli/list-server.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';

it('troupe doctor ends with 0 where a task could run with the configuration file, and with 1 where none could', async () => {
  const { baseURL, heads } = await startListServer(listing('qwen3'));
  const home = temporaryDirectory();
  writeFileSync(join(home, 'config.json'), JSON.stringify({ baseURL, profiles: { local: { model: 'qwen3' } } }));
  const env = { TROUPE_HOME: home, CODEX_API_KEY: 'sk-key' };
  const [well, ill] = await Promise.all([
    runTroupe(['doctor', '--profile', 'local'], { env }).ended,
    runTroupe(['doctor'], { env }).ended,
  ]);
  expect(well).toEqual({
    code: 0,
    stdout: expect.stringContaining(`   model │ ✓ qwen3: ${baseURL} answers, and has it\n`),
    stderr: '',
  });
  expect(well.stdout).toMatch(/\n\nA task can run\.\n$/);
  expect(ill).toEqual({
    code: 1,
    stdout: expect.stringContaining(`   model │ ✗ ${baseURL} answers; but no model is named\n`),
    stderr: '',
  });
  expect(ill.stdout).toContain(`settings │ ${home}/config.json\n`);
  expect(heads).toEqual(['GET /v1/models Bearer sk-key', 'GET /v1/models Bearer sk-key']);
});

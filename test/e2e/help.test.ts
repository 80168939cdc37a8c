import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTroupe } from './run-troupe.ts';

const MANIFEST = join(import.meta.dirname, '../../package.json');

describe('troupe', () => {
  it('says which version it is', async () => {
    const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
    expect(await runTroupe(['--version']).ended).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('says what it can do, with examples, when it is asked to and when it is told nothing', async () => {
    const [asked, alone] = await Promise.all([runTroupe(['--help']).ended, runTroupe([]).ended]);
    expect(asked).toEqual(alone);
    expect({ code: asked.code, stderr: asked.stderr }).toEqual({ code: 0, stderr: '' });
    for (const words of ['Usage: troupe', '  demo ', '  exec ', '  doctor ', 'Examples:', 'troupe exec -m ']) {
      expect(asked.stdout).toContain(words);
    }
  });

  it.each([
    ['exec', ['--sandbox', '--approvals', '--model', '--directory', 'OPENAI_BASE_URL', 'Exit codes', 'Examples:']],
    ['exec', ['--json', '--events', '--wire', '--profile', '--config', 'config.json', '[prompt]', 'codexPathOverride']],
    ['doctor', ['--profile', 'how to mend it']],
    ['demo', ['--interactive', '--keep']],
  ])('says what %s takes', async (name, words) => {
    const { code, stdout, stderr } = await runTroupe([name, '--help']).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of words) expect(stdout).toContain(word);
  });
});

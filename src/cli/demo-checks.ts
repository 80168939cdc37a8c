import { readFileSync } from 'node:fs';
import { messageOf } from '../protocol/errors.ts';
import { decodeRecord, splitLines } from '../rollout/record.ts';
import type { ScriptReport } from '../testing/index.ts';
import { type DemoRepository, SOURCE } from './demo-repository.ts';
import { TEST_COMMAND } from './demo-script.ts';
import { counted } from './receipt-lines.ts';

/** What the demo found when it looked for itself. `found` is a sentence for people; `ok` whether it is as promised. */
export type Finding = Readonly<{ ok: boolean; found: string }>;

/** Runs the repository's test once more, asks git, the script and the log. What was promised is checked, not believed. */
export async function checkDemo(
  repository: DemoRepository,
  script: ScriptReport,
  log: string | null,
): Promise<readonly Finding[]> {
  return [await testPasses(repository), await oneFileChanged(repository), scriptPlayed(script), logWhole(log)];
}

async function testPasses({ run }: DemoRepository): Promise<Finding> {
  const { exitCode } = await run(...TEST_COMMAND.split(' '));
  const word = exitCode === 0 ? 'passes' : 'fails';
  return { ok: exitCode === 0, found: `the test ${word} (${TEST_COMMAND}: exit code ${exitCode})` };
}

async function oneFileChanged({ git }: DemoRepository): Promise<Finding> {
  const status = await git.status();
  if (!status.ok) return { ok: false, found: `git does not tell what has changed: ${status.why}` };
  const [only, ...more] = status.value;
  const ok = more.length === 0 && only?.type === 'changed' && only.path === SOURCE && only.staged === '.';
  const changed = status.value.map(({ path }) => path).join(', ');
  const found = changed === '' ? 'nothing' : changed;
  return { ok, found: `git diff shows ${ok ? 'exactly the patched file' : 'not only the patched file'}: ${found}` };
}

function scriptPlayed(script: ScriptReport): Finding {
  try {
    script.verify();
    return {
      ok: true,
      found: `the script was played as written: ${counted(script.requests.length, 'request')} to the model`,
    };
  } catch (error) {
    const [, ...problems] = messageOf(error).replace(/\.$/, '').split('\n');
    return { ok: false, found: `the script was not played as written: ${problems.join(' ')}` };
  }
}

function logWhole(location: string | null): Finding {
  if (location === null) return { ok: false, found: 'there is no log' };
  const { lines, tail } = splitLines(readFileSync(location));
  const broken = lines.filter((line) => !decodeRecord(line).ok).length + (tail.length > 0 ? 1 : 0);
  const what = `the log has ${counted(lines.length, 'record')}, each with its checksum`;
  return { ok: broken === 0 && lines.length > 0, found: broken === 0 ? what : `${what}, but ${broken} broken` };
}

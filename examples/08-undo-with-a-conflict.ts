// An undo takes back what a task has done, and leaves alone what you have changed since.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSession, openaiModel } from 'troupe';

const cwd = mkdtempSync(join(tmpdir(), 'troupe-example-'));
writeFileSync(join(cwd, 'poem.txt'), 'roses are red\n');
await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  cwd,
  home: join(cwd, '..', `${cwd}-state`),
});
await session.run('Make the roses blue, and write notes.txt.').orThrow();
const plan = await session.undo({ dryRun: true }).orThrow();
console.log(`would do: ${plan.plan.join(', ')}`);
writeFileSync(join(cwd, 'poem.txt'), 'roses are mine\n');
const { paths } = await session.undo().orThrow();
for (const { path, result, keptAt } of paths) {
  const before = keptAt === undefined ? '' : ` (before it was "${readFileSync(keptAt, 'utf8').trim()}")`;
  console.log(`${path}: ${result}${before}`);
}
console.log(readFileSync(join(cwd, 'poem.txt'), 'utf8').trim());

// Runs what takes longer than a test may: the same checks as in the suites, on many more cases.
//   npm run torture                  all of them
//   npm run torture -- commands      some of them, by name
import { commands } from './torture/commands.ts';
import * as crowd from './torture/crowd.ts';
import { disk } from './torture/disk.ts';
import * as earlyKills from './torture/early-kills.ts';
import * as killExec from './torture/kill-exec.ts';
import * as killMatrix from './torture/kill-matrix.ts';
import { nth } from './torture/nth.ts';
import * as ownDeath from './torture/own-death.ts';
import type { Step } from './torture/step.ts';
import * as strace from './torture/strace.ts';

const STEPS: readonly Step[] = [commands, killMatrix, ownDeath, earlyKills, killExec, disk, nth, strace, crowd];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => STEPS.every((step) => step.name !== name));
if (unknown.length > 0) {
  console.error(`Expected names of ${STEPS.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}.`);
  process.exit(2);
}
let failed = 0;
const chosen = STEPS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
for (const { name, run } of chosen) {
  try {
    await run((line) => console.log(`${name}: ${line}`));
  } catch (error) {
    failed += 1;
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

// Plays one scenario with what goes wrong in it, as a run that broke something names them.
//   npm run faults:nth                                       the scenarios, and how often each can go wrong
//   npm run faults:nth -- --scenario 'an answer' --faults '[{"port":"logs","operation":"sync","n":1,"how":"EIO"}]'
//   … --later '[…]'                                          and this where it goes on after a power cut
import { parseArgs } from 'node:util';
import { faultsOf } from '../src/testing/faults.ts';
import { playWith } from '../test/faults/play-with.ts';
import { SCENARIOS } from '../test/faults/scenarios.ts';

const { values } = parseArgs({
  options: { scenario: { type: 'string' }, faults: { type: 'string' }, later: { type: 'string' } },
});
const chosen = SCENARIOS.filter(({ name }) => values.scenario === undefined || name === values.scenario);
if (chosen.length === 0) {
  console.error(`Expected the name of a scenario, got "${values.scenario}". Without --scenario they are listed.`);
  process.exitCode = 2;
}
for (const scenario of chosen) {
  const faults = JSON.parse(values.faults ?? '[]');
  const { met, operations, broken } = await playWith(scenario, faults, JSON.parse(values.later ?? '[]'));
  const ways = operations.flatMap(faultsOf).length;
  console.log(
    `${scenario.name}: ${operations.length} operations, ${ways} ways to go wrong, ${met.length} met, ${broken.length} broken`,
  );
  for (const line of broken) console.log(`  ${line}`);
  if (broken.length > 0) process.exitCode = 1;
}

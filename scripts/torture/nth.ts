import { closingLine, everyFault, newTally } from '../../test/faults/each.ts';
import { SCENARIOS } from '../../test/faults/scenarios.ts';
import type { Step } from './step.ts';

/** How many pairs of faults each scenario is tried with. */
const COMPOUND = 100;
/** How many faults have to be met: what was never met has shown nothing. */
const MET_MIN = 20_000;

/** Every operation of every scenario goes wrong in every way; the suite tries a third of that. */
export const nth: Step = {
  name: 'nth',
  async run(say) {
    const tally = newTally();
    let broken = 0;
    for (const scenario of SCENARIOS) {
      const failed = await everyFault(scenario, { every: 1, compound: COMPOUND }, tally);
      broken += failed.length;
      for (const one of failed) say(`${one.scenario}: ${one.faults}: ${one.broken.join('; ')}`);
    }
    const line = closingLine(tally, broken);
    if (broken > 0) throw new Error(line);
    const met = Object.values(tally.met).reduce((sum, number) => sum + number, 0);
    if (met < MET_MIN) throw new Error(`Expected at least ${MET_MIN} faults to be met: ${line}`);
    say(line);
  },
};

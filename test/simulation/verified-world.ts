import { type SimulatedWorld, type WorldOptions, world } from '../../src/testing/world.ts';
import { verifyLogsAfterwards } from '../legal-logs.ts';

/** A simulated world whose logs are verified when the test has ended. */
export function verifiedWorld(seed: number | string, options?: WorldOptions): SimulatedWorld {
  const simulated = world(seed, options);
  verifyLogsAfterwards(simulated.logStore);
  return simulated;
}

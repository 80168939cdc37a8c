/** One in so many is left where people wait for it. */
const ONE_IN = 8;

/**
 * How often a test does again what goes wrong at a certain moment only: `all` times where `CI` is set, as it is before a change
 * lands, and an eighth of that elsewhere. `npm run torture` does the same far more often.
 */
export function rounds(all: number): number {
  return process.env.CI ? all : Math.ceil(all / ONE_IN);
}

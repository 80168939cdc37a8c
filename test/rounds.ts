/** Whether all is tried that there is, as it is before a change lands. Elsewhere people wait for the end. */
export const isThorough = Boolean(process.env.CI);

/** One in so many is left where people wait. */
const ONE_IN = 8;

/**
 * How often a test does again what goes wrong at a certain moment, or by chance, only: `all` times, or an eighth of that. `npm run
 * torture` does the same far more often.
 */
export function rounds(all: number): number {
  return isThorough ? all : Math.ceil(all / ONE_IN);
}

import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** The files that take longest, longest first: what is begun last must not be waited for alone. */
const LONG = [
  'test/e2e/kill-exec.test.ts',
  'test/simulation/seeds.test.ts',
  'test/faults/faults.test.ts',
  'test/e2e/hostile-model.test.ts',
  'test/process/kill-ways.test.ts',
  'test/enumeration/tree.test.ts',
  'test/e2e/page.test.ts',
  'test/bench',
  'test/package',
  'test/e2e',
];

/** Begins with the files that are known to take long; the rest goes as vitest orders it. */
export default class LongFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((long) => moduleId.includes(`/${long}`));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

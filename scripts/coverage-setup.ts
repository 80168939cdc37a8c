import { beforeAll, expect } from 'vitest';
import { CHILDREN_VARIABLE, WITH_CHILDREN } from './coverage-areas.ts';

// Beside the setup of each test file, in a run of `npm run coverage`. Node reads the variable when it starts: so it is for the
// programs that a test starts, and not for the process of the test, which is watched by vitest.
beforeAll(() => {
  const { testPath = '' } = expect.getState();
  const folder = process.env[CHILDREN_VARIABLE];
  if (folder !== undefined && WITH_CHILDREN.some((part) => testPath.includes(`/${part}`)))
    process.env.NODE_V8_COVERAGE = folder;
  // The process of another file before it may have set it.
  else delete process.env.NODE_V8_COVERAGE;
});

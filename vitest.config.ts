import { defineConfig } from 'vitest/config';
import LongFirstSequencer from './scripts/long-first-sequencer.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Programs of the command line are started many times in some of them, and the machine may have other work.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Many tests wait for processes: two cores have time for three.
    maxWorkers: 3,
    sequence: { sequencer: LongFirstSequencer },
    setupFiles: ['test/setup.ts'],
    reporters: ['default', './scripts/closing-line-reporter.ts'],
  },
});

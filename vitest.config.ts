import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { CHILDREN_VARIABLE } from './scripts/coverage-areas.ts';
import LongFirstSequencer from './scripts/long-first-sequencer.ts';

/** Whether branches are counted: see scripts/coverage.ts. */
const isCounting = CHILDREN_VARIABLE in process.env;

/** What replaces a module for all that is loaded after: it needs a process in which nothing is loaded, and another loader. */
const REPLACES_MODULES = [
  'test/here/log-faults.test.ts',
  'test/process/without-proc.test.ts',
  'test/process/gone-meanwhile.test.ts',
];

/** Two cores are at work already: a garbage collector with threads of its own takes more of them than it saves. */
const GC = ['--single-threaded-gc'];

/** What makes worlds by the thousand. */
const MAKES_WORLDS = filesIn('simulation', 'faults', 'enumeration', 'charts');

/** What starts processes all the time: they take longer to start from a large one, as those become that others share. */
const STARTS_PROCESSES = filesIn('process', 'workspace', 'here', 'escape', 'anomaly', 'tasks');

/** What tests the command, as people have it: it is installed once for all of them. */
const STARTS_THE_COMMAND = filesIn('e2e');

export default defineConfig({
  test: {
    // Programs of the command line are started many times in some of them, and the machine may have other work.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Sources are loaded as Node does, which is what users have, and takes less; to count branches needs the other way.
    experimental: { viteModuleRunner: isCounting },
    // Many tests wait for processes: two cores have time for four.
    maxWorkers: 4,
    execArgv: GC,
    sequence: { sequencer: LongFirstSequencer },
    // For the programs of ours that tests start: Node keeps what it has made of the modules.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    setupFiles: ['test/setup.ts', ...(isCounting ? ['scripts/coverage-setup.ts'] : [])],
    reporters: ['default', './scripts/closing-line-reporter.ts'],
    projects: [
      // To load all that is tested anew for each of hundreds of files takes longer than most of them.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            ...REPLACES_MODULES,
            ...MAKES_WORLDS,
            ...STARTS_PROCESSES,
            ...STARTS_THE_COMMAND,
          ],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: STARTS_PROCESSES,
          exclude: REPLACES_MODULES,
          isolate: false,
          execArgv: [...GC, '--max-semi-space-size=2'],
        },
      },
      {
        extends: true,
        test: {
          name: 'command',
          include: STARTS_THE_COMMAND,
          isolate: false,
          globalSetup: ['test/e2e/installed-command.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'worlds',
          include: MAKES_WORLDS,
          isolate: false,
          execArgv: [...GC, '--max-semi-space-size=64'],
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: REPLACES_MODULES,
          isolate: true,
          experimental: { viteModuleRunner: true },
        },
      },
    ],
  },
});

function filesIn(...folders: readonly string[]): string[] {
  return folders.map((folder) => `test/${folder}/**/*.test.ts`);
}

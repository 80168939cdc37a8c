/** A part of the program, by its files: folders end in a slash. */
export type Area = Readonly<{ name: string; files: readonly string[] }>;

/** What must never surprise: each branch of it is taken by a test, in percent of its branches. */
export const STRICT_MIN_PERCENT = 100;
export const STRICT_AREAS: readonly Area[] = [
  { name: 'rollout', files: ['src/rollout/'] },
  {
    name: 'requests',
    files: [
      'src/session/asking.ts',
      'src/session/waiting.ts',
      'machines/own-requests.ts',
      'machines/session-asking.ts',
    ],
  },
  { name: 'relay', files: ['src/channel/'] },
  {
    name: 'kill',
    files: [
      'src/process/kill.ts',
      'src/process/kill-container.ts',
      'src/process/container.ts',
      'src/process/members.ts',
      'src/process/orphans.ts',
      'src/process/process-table.ts',
    ],
  },
  { name: 'policy', files: ['src/policy/'] },
  { name: 'display', files: ['src/policy/display.ts', 'src/policy/excerpt.ts', 'src/policy/redact.ts'] },
];

/** All the rest, folder by folder. */
export const OTHERS_MIN_PERCENT = 90;
export const COVERED: readonly string[] = ['src/**/*.ts', 'machines/**/*.ts'];

/** What no test runs in its own process. */
export const LEFT_OUT: readonly Readonly<{ files: string; why: string }>[] = [
  { files: 'src/inspect/page/**', why: 'runs in a browser: test/e2e/page.test.ts' },
];

/** Tests that start the program as people do: what they come to in these processes counts, too. */
export const WITH_CHILDREN: readonly string[] = ['test/e2e/'];
/** Where those processes are to write what they have come to, in the environment of the tests. */
export const CHILDREN_VARIABLE = 'TROUPE_COVERAGE_OF_CHILDREN';

import type { ScriptEntry, ScriptInfo, ScriptStep } from '../testing/index.ts';
import { SOURCE, TEST_NAME } from './demo-repository.ts';

/** How the test is run, by the model as by the demo itself. */
export const TEST_COMMAND = 'node --test';
/** How long a test run may take, in ms: much more than it needs, for machines that are busy. */
const TEST_TIMEOUT_MS = 30_000;

/** What the demo asks for. */
export const DEMO_TASK = 'The test of this shop fails. Find out why, and mend it.';

const BEFORE = 'total += item.priceCents;';
const AFTER = 'total += item.priceCents * item.quantity;';

const PATCH = `*** Begin Patch
*** Update File: ${SOURCE}
@@ export function totalCents(items) {
   let total = 0;
-  for (const item of items) ${BEFORE}
+  for (const item of items) ${AFTER}
   return total;
*** End Patch`;

const STEPS = ['Find out why the test fails', 'Count every piece of an item', 'Run the test again'];

/**
 * What the scripted model does: it looks, runs the test, plans, patches, runs the test again and sums up. Each entry
 * depends on what the calls before it came to; when that is not what the script knows, it says so and stops.
 */
export const demoScript: readonly ScriptEntry[] = [
  () => ({
    say: ['I look at ', 'the source ', 'first.'],
    call: { name: 'shell', arguments: { command: `cat ${SOURCE}` } },
  }),
  (_, info) =>
    toldOf(info).includes(BEFORE)
      ? {
          say: 'The total adds up prices. Now I run the test, to see what it expects.',
          call: runTest('to see it fail'),
        }
      : surprised(`${SOURCE} to hold \`${BEFORE}\``, info),
  (_, info) => {
    if (isDenied(info))
      return planned(
        'I may not run the test, so I go by the source: it takes no account of how many pieces there are.',
      );
    return toldOf(info).includes('Exit code: 1') && toldOf(info).includes(TEST_NAME)
      ? planned('It fails, and says why: two packets of tea were counted as one.')
      : surprised(`the test "${TEST_NAME}" to fail with exit code 1`, info);
  },
  () => ({ say: 'I change one line.', call: { name: 'apply_patch', arguments: { input: PATCH } } }),
  (_, info) => {
    if (isDenied(info)) return { say: 'I may not change the file, so the bug stays. The line is named above.' };
    return toldOf(info).includes('Success')
      ? { say: 'The same test once more.', call: [runTest('to see it pass')] }
      : surprised('the patch to fit', info);
  },
  (_, info) => {
    if (isDenied(info))
      return { say: 'The line is changed, but I may not run the test: whether it passes now, I cannot say.' };
    return toldOf(info).includes('Exit code: 0')
      ? {
          say: [
            'Mended: ',
            'the total now counts every piece, ',
            'and the test passes. ',
            `Changed: ${SOURCE}, one line.`,
          ],
        }
      : surprised('the test to pass with exit code 0', info);
  },
];

function runTest(why: string) {
  return { name: 'shell', arguments: { command: TEST_COMMAND, timeout_ms: TEST_TIMEOUT_MS, justification: why } };
}

function planned(say: string): ScriptStep {
  const status = ['completed', 'in_progress', 'pending'];
  const plan = STEPS.map((step, at) => ({ step, status: status[at] }));
  return { say, call: { name: 'update_plan', arguments: { plan } } };
}

function toldOf({ lastOutputs }: ScriptInfo): string {
  return Object.values(lastOutputs).join('\n');
}

function isDenied(info: ScriptInfo): boolean {
  return toldOf(info).startsWith('rejected');
}

function surprised(expected: string, info: ScriptInfo): ScriptStep {
  return { say: `This is not what my script knows. Expected ${expected}, got:\n${toldOf(info)}\nI stop here.` };
}

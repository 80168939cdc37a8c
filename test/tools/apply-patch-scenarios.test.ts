import { existsSync, readdirSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { patchWorkspace, runPatch, toldText, treeOf } from './patch-workspace.ts';

const SCENARIOS = '../shared/fixtures/apply-patch';
const isHere = existsSync(SCENARIOS);
const names = isHere ? readdirSync(SCENARIOS).sort() : ['no scenarios here'];

/** Scenarios whose patch fails, and what is said then. */
const FAILING: Readonly<Record<string, RegExp>> = {
  '005_rejects_empty_patch': /Expected at least one file section .* got none\./,
  '007_rejects_missing_file_delete': /missing\.txt: expected a file to delete, got none there/,
  '009_requires_existing_file_for_update': /missing\.txt: expected a file to update, got none there/,
  '013_rejects_invalid_hunk_header': /Line 2 of the patch: expected .* got `\*\*\* Frobnicate File: foo`\./,
  '015_failure_after_partial_success_leaves_changes': /missing\.txt: expected a file to update, got none there/,
};

describe.skipIf(!isHere)(`published scenarios of the patch format (skipped where ${SCENARIOS} is absent)`, () => {
  it.each(names)('%s', async (name) => {
    const { cwd } = await patchWorkspace();
    const input = join(SCENARIOS, name, 'input');
    if (existsSync(input)) await fs.cp(input, cwd, { recursive: true });
    // A patch is all or nothing here: after a failure the tree is what it was.
    const isPartial = name.startsWith('015_');
    const expected = isPartial ? {} : await treeOf(join(SCENARIOS, name, 'expected'));

    const run = await runPatch(cwd, await fs.readFile(join(SCENARIOS, name, 'patch.txt'), 'utf8'));

    expect(await treeOf(cwd)).toEqual(expected);
    const failing = Object.entries(FAILING).find(([failed]) => name === failed)?.[1];
    expect(toldText(run)).toMatch(failing ?? /^Success\. Updated the following files:\n[AMD] /);
  });
});

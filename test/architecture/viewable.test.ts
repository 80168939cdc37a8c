import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { differences, machinesIn, picturesOf } from '../../scripts/visualize.ts';
import { ROOT, readSources } from './repository.ts';
import { chartViolations, closureOf, type Files } from './rules.ts';

const INDEX = 'machines/index.ts';

// Skipped while there is no machines/index.ts: then there is nothing to look at.
const machines = existsSync(join(ROOT, INDEX)) ? machinesIn(await import(join(ROOT, INDEX))) : [];

describe.skipIf(machines.length === 0)('the machines', () => {
  it('can be looked at: named implementations, ids of their own, a limit on loops', () => {
    expect(chartViolations(machines)).toEqual([]);
  });

  it('need only xstate', () => {
    expect(foreignNeeds(readSources())).toEqual([]);
  });

  it('look as their committed pictures say (mend with: npm run visualize)', async () => {
    expect(differences(await picturesOf(machines), join(ROOT, 'visualizations'))).toEqual([]);
  });
});

/** What the machines need at run time that somebody who has only them, the words and xstate does not have. */
function foreignNeeds(files: Files): string[] {
  const needs = closureOf(INDEX, files);
  return [
    ...needs.files.filter((path) => !path.startsWith('machines/') && !path.startsWith('src/protocol/')),
    ...needs.packages.filter((name) => name !== 'xstate'),
  ];
}

describe('the rule of the machines', () => {
  const options = { maxIterations: 100 };

  it('lets pass a machine that is all names', () => {
    expect(chartViolations([createMachine({ id: 'tool-call', options, entry: 'note' })])).toEqual([]);
  });

  it('tells of an inline implementation', () => {
    const machine = createMachine({ id: 'undo', options, on: { go: { actions: () => {} } } });
    expect(chartViolations([machine])).toEqual([
      expect.stringMatching(/^undo: The action in state "undo" on "go" is an inline function\./),
    ]);
  });

  it('tells of two machines with one id, of one without, and of an id in another style', () => {
    const machines = [{ id: 'undo' }, { id: 'undo' }, {}, { id: 'userShell' }].map((config) =>
      createMachine({ ...config, options }),
    );
    expect(chartViolations(machines)).toEqual([
      'undo: two machines have this id.',
      '(machine): the id should be a name in kebab-case.',
      'userShell: the id should be a name in kebab-case.',
    ]);
  });

  it('tells of a machine that could loop for ever', () => {
    const endless = createMachine({ id: 'undo', options: { maxIterations: Number.POSITIVE_INFINITY } });
    const violation = 'undo: options.maxIterations should be a finite number, so that a loop is an error and no hang.';
    expect(chartViolations([createMachine({ id: 'undo' })])).toEqual([violation]);
    expect(chartViolations([endless])).toContain(violation);
  });

  it('tells what a machine needs besides xstate, however far away', () => {
    const files = new Map([
      [INDEX, "export { undo } from './undo.machine.ts';"],
      ['machines/undo.machine.ts', "import { setup } from 'xstate'; import { a } from '../src/protocol/a.ts';"],
      [
        'src/protocol/a.ts',
        "import * as z from 'zod'; import { b } from '../runtime/b.ts'; import type { C } from 'c';",
      ],
    ]);
    expect(foreignNeeds(files)).toEqual(['src/runtime/b.ts', 'zod']);
  });
});

import { describe, expect, it } from 'vitest';
import { readSources } from './repository.ts';
import { cycleViolations, type LayerTable, layerViolations } from './rules.ts';

const LAYERS: LayerTable = {
  layers: [
    ['src/protocol/'],
    ['src/limits.ts', 'src/instructions.ts'],
    ['machines/', 'src/history/', 'src/channel/'],
    ['src/runtime/'],
    ['src/model/', 'src/tools/', 'src/process/', 'src/policy/', 'src/rollout/', 'src/workspace/'],
    ['src/tasks/'],
    ['src/session/'],
    ['src/inspect/', 'src/here/'],
    // The composition root: the only files that know everything.
    ['src/session-options.ts'],
    ['src/create-session.ts', 'src/openai-model.ts'],
    ['src/resume-session.ts'],
    ['src/index.ts', 'src/machines.ts'],
    // Clients of the library, which use it as an embedder does.
    ['src/testing/'],
    ['src/cli/'],
  ],
  // A tool asks the policy, which is pure, what may run and how to show it.
  valuesBeside: [['src/tools/', 'src/policy/']],
  onlyFrom: {
    'src/protocol/': { parts: [], packages: 'any' },
    'machines/': { parts: ['src/protocol/'], packages: ['xstate'] },
  },
  confined: {
    openai: ['src/model/openai.ts'],
    commander: ['src/cli/'],
    'node:child_process': ['src/process/'],
    // here: the real files; process: reads /proc; cli: reads what it is given; testing: makes places to work in; page-files: the page.
    'node:fs': ['src/here/', 'src/process/', 'src/cli/', 'src/testing/', 'src/inspect/page-files.ts'],
  },
  ownNames: {
    troupe: 'src/index.ts',
    'troupe/machines': 'src/machines.ts',
    'troupe/testing': 'src/testing/index.ts',
    'troupe/inspect': 'src/inspect/index.ts',
  },
};

describe('this repository', () => {
  const files = readSources();

  it('has imports that point downwards only', () => {
    expect(layerViolations(files, LAYERS)).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(cycleViolations(files, LAYERS.ownNames)).toEqual([]);
  });
});

describe('the rule of the layers', () => {
  const violations = (path: string, ...imports: string[]) =>
    layerViolations(new Map([[path, imports.map((text) => `${text};`).join('\n')]]), LAYERS);

  it.each([
    ['an import from below', 'src/tasks/review.ts', "import { a } from '../tools/tool.ts'"],
    ['an import within a part', 'src/tools/shell.ts', "import { a } from './tool.ts'"],
    ['types from beside', 'src/policy/policy.ts', "import type { Tool } from '../tools/tool.ts'"],
    ['the policy, for tools', 'src/tools/shell.ts', "import { display } from '../policy/display.ts'"],
    ['the words, for machines', 'machines/lifecycle.ts', "import { messageOf } from '../src/protocol/errors.ts'"],
    ['the library, for the command line', 'src/cli/main.ts', "import { createSession } from '../index.ts'"],
    ['a confined package in its place', 'src/model/openai.ts', "import OpenAI from 'openai'"],
    ['a package that anybody may use', 'src/session/session.ts', "import { Subject } from 'rxjs'"],
  ])('lets pass %s', (_, path, text) => {
    expect(violations(path, text)).toEqual([]);
  });

  it.each([
    [
      'src/tasks/review.ts',
      "import type { S } from '../session/session.ts'",
      'src/tasks/review.ts:1 imports "../session/session.ts": imports point downwards, and src/tasks/ is below src/session/.',
    ],
    [
      'src/model/retry.ts',
      "import { a } from '../process/port.ts'",
      'src/model/retry.ts:1 imports "../process/port.ts": src/model/ and src/process/ are side by side and share types only (import type).',
    ],
    [
      'src/policy/policy.ts',
      "import { a } from '../tools/tool.ts'",
      'src/policy/policy.ts:1 imports "../tools/tool.ts": src/policy/ and src/tools/ are side by side and share types only (import type).',
    ],
    [
      'src/session/session.ts',
      "import { a } from 'troupe'",
      'src/session/session.ts:1 imports "troupe": imports point downwards, and src/session/ is below src/index.ts.',
    ],
    [
      'machines/review.machine.ts',
      "import type { R } from '../src/history/history.ts'",
      'machines/review.machine.ts:1 imports "../src/history/history.ts": of the other parts, machines/ imports src/protocol/ only.',
    ],
    [
      'machines/review.machine.ts',
      "import * as z from 'zod'",
      'machines/review.machine.ts:1 imports "zod": of packages, machines/ imports xstate only.',
    ],
    [
      'src/protocol/events.ts',
      "import type { C } from '../runtime/clock.ts'",
      'src/protocol/events.ts:1 imports "../runtime/clock.ts": of the other parts, src/protocol/ imports none.',
    ],
    [
      'src/model/retry.ts',
      "import type { OpenAI } from 'openai/index.js'",
      'src/model/retry.ts:1 imports "openai/index.js": openai is imported in src/model/openai.ts only.',
    ],
    [
      'src/workspace/git.ts',
      "const a = await import('node:fs/promises')",
      'src/workspace/git.ts:1 imports "node:fs/promises": node:fs is imported in src/here/, src/process/, src/cli/, src/testing/, src/inspect/page-files.ts only.',
    ],
    [
      'src/here/proc.ts',
      "export { spawn } from 'node:child_process'",
      'src/here/proc.ts:1 imports "node:child_process": node:child_process is imported in src/process/ only.',
    ],
    [
      'src/cli/main.ts',
      "import text from '../../package.json'",
      'src/cli/main.ts:1 imports "../../package.json": it is outside the layers.',
    ],
  ])('tells of a violation in %s: %s', (path, text, violation) => {
    expect(violations(path, text)).toEqual([violation]);
  });

  it('tells of a file that is in no layer', () => {
    expect(violations('src/utils/strings.ts')).toEqual([
      'src/utils/strings.ts is in no layer: add it to the table of the layers.',
    ]);
  });
});

describe('the rule of the circles', () => {
  const a = ['src/a/a.ts', "import '../b/b.ts';"] as const;
  const b = ['src/b/b.ts', "export * from '../c/c.ts';"] as const;

  it('tells of a circle once, wherever it begins', () => {
    const c = ['src/c/c.ts', "const a = import('../a/a.ts');"] as const;
    const violation = 'src/a/a.ts → src/b/b.ts → src/c/c.ts → src/a/a.ts: values are imported in a circle.';
    expect(cycleViolations(new Map([a, b, c]), {})).toEqual([violation]);
    expect(cycleViolations(new Map([c, b, a]), {})).toEqual([violation]);
  });

  it('follows the package’s own names', () => {
    const c = ['src/c/c.ts', "import { a } from 'troupe';"] as const;
    expect(cycleViolations(new Map([a, b, c]), { troupe: 'src/a/a.ts' })).toHaveLength(1);
  });

  it('lets types go in circles', () => {
    const c = ['src/c/c.ts', "import type { A } from '../a/a.ts';"] as const;
    expect(cycleViolations(new Map([a, b, c]), {})).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { importsOf, sourceText } from './source-text.ts';

/** Text with `@{` where a template's expression begins, so that it is not taken for a template here. */
const template = (text: string) => text.replaceAll('@{', '$${');

describe('importsOf', () => {
  it('finds each form of import and re-export, with its names and its line', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      "import { type C, d as e } from './c.ts';",
      "import * as f from 'f';",
      "import './g.ts';",
      "export { h } from './h.ts';",
      "export type { I } from './i.ts';",
      "export * from './j.ts';",
      'import {',
      '  k,',
      '  l,',
      "} from '@scope/k/deep';",
      "import m, { n } from './m.ts';",
      "const o = await import('./o.ts');",
      "type P = import('./p.ts').P;",
      "type Q = typeof import('./q.ts');",
      "void import('./r.ts').then(() => {});",
    ].join('\n');
    expect(importsOf(text)).toEqual([
      { specifier: './a.ts', typeOnly: false, names: ['default'], line: 1 },
      { specifier: './b.ts', typeOnly: true, names: ['B'], line: 2 },
      { specifier: './c.ts', typeOnly: false, names: ['C', 'd'], line: 3 },
      { specifier: 'f', typeOnly: false, names: ['*'], line: 4 },
      { specifier: './g.ts', typeOnly: false, names: [], line: 5 },
      { specifier: './h.ts', typeOnly: false, names: ['h'], line: 6 },
      { specifier: './i.ts', typeOnly: true, names: ['I'], line: 7 },
      { specifier: './j.ts', typeOnly: false, names: ['*'], line: 8 },
      { specifier: '@scope/k/deep', typeOnly: false, names: ['k', 'l'], line: 9 },
      { specifier: './m.ts', typeOnly: false, names: ['default', 'n'], line: 13 },
      { specifier: './o.ts', typeOnly: false, names: ['*'], line: 14 },
      { specifier: './p.ts', typeOnly: true, names: ['*'], line: 15 },
      { specifier: './q.ts', typeOnly: true, names: ['*'], line: 16 },
      { specifier: './r.ts', typeOnly: false, names: ['*'], line: 17 },
    ]);
  });

  it('takes nothing from comments, strings and templates, and is not fooled by other exports', () => {
    const text = [
      "// import a from 'a';",
      "/* import b from 'b'; */",
      `const c = "import c from 'c';";`,
      "const d = `import d from 'd'; @{import.meta.url}`;",
      "export const e = 'e';",
      "export type F = 'f';",
      "export function g(from = 'g') {}",
      "import h from 'h';",
    ].join('\n');
    expect(importsOf(template(text))).toEqual([{ specifier: 'h', typeOnly: false, names: ['default'], line: 8 }]);
  });
});

describe('sourceText', () => {
  it('keeps every place and every line where it was', () => {
    expect(sourceText(template('a; // b\n/* c\n d */ "e" + `f @{g} h`'))).toEqual({
      withoutComments: template('a;     \n    \n      "e" + `f @{g} h`'),
      codeOnly: template('a;     \n    \n      " " + `  @{g}  `'),
    });
  });

  it.each([
    ['an escaped quote', "'a\\'b' + c", "'    ' + c"],
    ['a comment mark in a string', "'//a' + c", "'   ' + c"],
    ['a quote in a comment', "// it's\nc", '       \nc'],
    ['a template in a template', '`a@{`b@{c}d`}e` + f', '` @{` @{c} `} ` + f'],
    ['braces in a template', '`@{{ a: {} }}b` + c', '`@{{ a: {} }} ` + c'],
    ['a regular expression with a quote', 'x.replace(/[\'"/*]/g, y)', 'x.replace(/      /g, y)'],
    ['a regular expression with a slash in a class', 'return /[/]a/.test(b)', 'return /    /.test(b)'],
    ['a division', 'a / b / c', 'a / b / c'],
    ['a division behind a bracket', "(a) / b + 'c' / d", "(a) / b + ' ' / d"],
  ])('is not confused by %s', (_, text, code) => {
    expect(sourceText(template(text)).codeOnly).toBe(template(code));
  });
});

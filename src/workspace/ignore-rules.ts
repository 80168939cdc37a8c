import ignore, { type Ignore } from 'ignore';
import { childPath, parentPath, type RawPath, readablePath } from './work-tree.ts';

/** What is never taken along unless git tracks it: what tools make, and make again. */
const MADE_BY_TOOLS = new Set([
  ...[
    'node_modules',
    '.venv',
    'venv',
    'env',
    '.env',
    'dist',
    'build',
    '.pytest_cache',
    '.mypy_cache',
    '.cache',
    '.tox',
  ],
  ...['__pycache__', 'target', '.gradle', '.next', '.turbo', '.parcel-cache'],
]);

/** The rules in force in a directory: those of its own `.gitignore`, and those above (gitignore(5)). */
export type IgnoreRules = Readonly<{ base: RawPath; own: Ignore | null; above: IgnoreRules | null }>;

/** The rules of a directory; `text` is its `.gitignore`, if it has one. */
export function rulesIn(base: RawPath, text: string | null, above: IgnoreRules | null): IgnoreRules {
  return { base, own: text === null ? null : ignore({ allowRelativePaths: true }).add(text), above };
}

/** Whether what has this name in the directory of the rules is left alone. The nearest rule that speaks of it decides. */
export function isIgnored(rules: IgnoreRules, name: string, isDirectory: boolean): boolean {
  for (let at: IgnoreRules | null = rules; at !== null; at = at.above) {
    if (at.own === null) continue;
    const path = childPath(rules.base, name);
    const way = readablePath(at.base === '' ? path : path.slice(at.base.length + 1));
    const { ignored, unignored } = at.own.test(isDirectory ? `${way}/` : way);
    if (ignored) return true;
    if (unignored) return false;
  }
  return isDirectory && MADE_BY_TOOLS.has(name);
}

/** The directories above a path, the nearest first, without the root. */
export function directoriesAbove(path: RawPath): readonly RawPath[] {
  const found: RawPath[] = [];
  for (let at = parentPath(path); at !== ''; at = parentPath(at)) found.push(at);
  return found;
}

// Builds dist/ (JavaScript and declarations, and a bundle of the command line) from src/ and machines/: Node runs no
// TypeScript under node_modules.
//   node scripts/build.ts                 builds
//   node scripts/build.ts --for-package   builds, then makes package.json what is published (npm's prepack)
//   node scripts/build.ts --restore       puts the original package.json back (npm's postpack, and after a cut run)
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Manifest = Readonly<Record<string, unknown>>;

/** Where the original package.json waits while the published one stands in its place. */
const ORIGINAL = '.package-json.orig';

/** What only those who work on the package need. */
const NOT_PUBLISHED = ['scripts', 'devDependencies', 'allowScripts'];

/** The page that `troupe inspect` serves. */
const PAGE = 'src/inspect/page';

/** The command line, which is put into few files. */
const COMMAND = 'src/cli/main.ts';

/** Builds the package at `root` anew, into `dist`; false when the compiler found something, which it has printed. */
export async function build(root: string, dist = join(root, 'dist')): Promise<boolean> {
  rmSync(dist, { recursive: true, force: true });
  if (!compile(root, ['-p', 'tsconfig.build.json', '--outDir', dist])) return false;
  if (existsSync(join(root, PAGE))) {
    // What runs in a browser knows other globals than what runs in Node.
    const emit = ['--noEmit', 'false', '--rootDir', '.', '--outDir', dist];
    if (!compile(root, ['-p', PAGE, ...emit])) return false;
    for (const name of readdirSync(join(root, PAGE)).filter((file) => file.endsWith('.css')))
      copyFileSync(join(root, PAGE, name), join(dist, PAGE, name));
  }
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith('.d.ts')) rewriteDeclaration(join(entry.parentPath, entry.name));
  }
  if (existsSync(join(root, COMMAND))) {
    const { bundleCommand } = await import('./bundle-command.ts');
    await bundleCommand(root, dist);
  }
  return true;
}

function compile(root: string, words: readonly string[]): boolean {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [compiler, ...words], { cwd: root, stdio: 'inherit' }).status === 0;
}

/** Makes package.json what is published. What stood there waits beside it. */
export function publishManifest(root: string): void {
  const original = readFileSync(join(root, 'package.json'), 'utf8');
  replace(join(root, ORIGINAL), original);
  replace(join(root, 'package.json'), publishedText(original));
}

/**
 * Puts the original package.json back; does nothing when it is there already. Throws, and touches nothing, when somebody
 * has changed package.json in between: then a person must say which one holds.
 */
export function restoreManifest(root: string): void {
  const waiting = join(root, ORIGINAL);
  if (!existsSync(waiting)) return;
  const original = readFileSync(waiting, 'utf8');
  const current = readFileSync(join(root, 'package.json'), 'utf8');
  if (current === publishedText(original)) renameSync(waiting, join(root, 'package.json'));
  else if (current === original) rmSync(waiting);
  else {
    throw new Error(
      `Expected package.json to be the original or what was published, but it was changed since. ` +
        `Compare it with ${ORIGINAL}, keep what is right as package.json, and remove ${ORIGINAL}.`,
    );
  }
}

/** The manifest as published: its entries are in dist/, and what only developers need is left out. */
export function publishedManifest(manifest: Manifest): Manifest {
  const published = Object.entries(manifest).filter(([key]) => !NOT_PUBLISHED.includes(key));
  return Object.fromEntries(published.map(([key, value]) => [key, key === 'exports' ? builtEntries(value) : value]));
}

function publishedText(original: string): string {
  const manifest: Manifest = JSON.parse(original);
  return `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`;
}

function builtEntries(exports: unknown): unknown {
  if (typeof exports !== 'object' || exports === null) return exports;
  return Object.fromEntries(Object.entries(exports).map(([name, target]) => [name, builtEntry(target)]));
}

function builtEntry(target: unknown): unknown {
  const source = typeof target === 'string' ? /^\.\/(?<path>.+)\.ts$/.exec(target)?.groups?.path : undefined;
  return source === undefined ? target : { types: `./dist/${source}.d.ts`, default: `./dist/${source}.js` };
}

/** The compiler rewrites import paths in JavaScript, but not in declarations. */
function rewriteDeclaration(path: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll(/((?:\bfrom|\bimport)\s*\(?\s*)(["'])(\.{1,2}\/[^"'\n]+)\.ts\2/g, '$1$2$3.js$2'));
}

/** All of it or nothing, whenever the process is cut. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const [mode] = process.argv.slice(2);
  try {
    restoreManifest(root);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
  if (mode !== '--restore' && !(await build(root))) process.exit(1);
  if (mode === '--for-package') publishManifest(root);
}

import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../protocol/errors.ts';

/** A file as a browser takes it. */
export type PageFile = Readonly<{ contentType: string; body: string | Uint8Array }>;

/** In a clone the modules are TypeScript, whose types are taken out as they are served; in a package they are built. */
const EXTENSION = extname(fileURLToPath(import.meta.url));
const SOURCE = fileURLToPath(new URL('..', import.meta.url));

/** What of our own modules a page may load: the page, and what it shares with the program. */
const OWN = /^(?:inspect\/page\/|inspect\/view\/|inspect\/[a-z-]+\.(?:ts|js)$|policy\/display\.(?:ts|js)$|protocol\/)/;

/** What of other packages it may load. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  'lit-html': /^(?:lit-html|directive|directive-helpers|async-directive|is-server|directives\/[a-z-]+)\.js$/,
  elkjs: /^lib\/(?:elk-api|elk-worker\.min)\.js$/,
};

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
};

const IMPORT_MAP = JSON.stringify({
  imports: { 'lit-html': '/packages/lit-html/lit-html.js', 'lit-html/': '/packages/lit-html/' },
});

/** The page itself. All that it needs is loaded from where it comes from. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Troupe</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/modules/inspect/page/style.css">
<script type="importmap">${IMPORT_MAP}</script>
<script src="/packages/elkjs/lib/elk-api.js"></script>
<script type="module" src="/modules/inspect/page/main${EXTENSION}"></script>
<body><noscript>This page is a program: it needs JavaScript.</noscript></body>
</html>
`;

/** Nothing from elsewhere, nothing inline but the one import map, nobody to frame it, and no form that leads anywhere. */
export const CONTENT_POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(IMPORT_MAP).digest('base64')}'`,
  "style-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The file of a path of the page's server; null when there is none that a page may have. */
export async function pageFile(path: string): Promise<PageFile | null> {
  const [, place, ...words] = path.split('/');
  if (words.some((word) => word === '' || word.startsWith('.') || word.includes('\\'))) return null;
  if (place === 'modules') return ownFile(words.join('/'));
  if (place === 'packages') return packageFile(words[0] ?? '', words.slice(1).join('/'));
  return null;
}

async function ownFile(name: string): Promise<PageFile | null> {
  if (!OWN.test(name)) return null;
  return fileIn(SOURCE, name);
}

async function packageFile(name: string, path: string): Promise<PageFile | null> {
  if (!Object.hasOwn(PACKAGES, name) || PACKAGES[name]?.test(path) !== true) return null;
  const main = createRequire(import.meta.url).resolve(name);
  const directory = join('node_modules', name, sep);
  return fileIn(main.slice(0, main.lastIndexOf(directory) + directory.length), path);
}

async function fileIn(directory: string, name: string): Promise<PageFile | null> {
  const contentType = CONTENT_TYPES[extname(name)];
  if (contentType === undefined) return null;
  try {
    const root = await realpath(directory);
    const found = await realpath(join(root, name));
    if (!found.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return null;
    if (extname(name) !== '.ts') return { contentType, body: await readFile(found) };
    const { stripTypeScriptTypes } = await import('node:module');
    return { contentType, body: stripTypeScriptTypes(await readFile(found, 'utf8')) };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return null;
    throw error;
  }
}

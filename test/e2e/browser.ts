import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const found = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).stdout.trim();

/** A browser is on this machine. */
export const hasBrowser = found !== '';

/** How long anything of a page is waited for, in ms. */
export const TIMEOUT_MS = 90_000;

let browser: Promise<Browser> | null = null;

/** A page at this address. What it asks of others than this machine goes into `outside`; what goes wrong in it, into `errors`. */
export async function openPage(
  url: string,
  options: Readonly<{ colorScheme?: 'light' | 'dark' }> = {},
): Promise<Readonly<{ page: Page; outside: readonly string[]; errors: readonly string[] }>> {
  browser ??= chromium.launch({
    executablePath: found,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const context = await (await browser).newContext({ viewport: { width: 1440, height: 900 }, ...options });
  onTestFinished(() => context.close());
  // Other tests let the machine be busy for seconds.
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const outside: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && hostname !== '127.0.0.1') outside.push(request.url());
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).hostname !== '127.0.0.1') outside.push(socket.url());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return { page, outside, errors };
}

/** What of the rules for accessible pages (WCAG 2.2, level AA) a page breaks, by axe-core: the rule, and where. */
export async function inaccessible(page: Page): Promise<readonly string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  const options = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
  return page.evaluate<readonly string[]>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))`,
  );
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = null;
}

/** Keeps a picture of a page for the documentation, when `TROUPE_PICTURES` says where. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const directory = process.env.TROUPE_PICTURES;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`) });
}

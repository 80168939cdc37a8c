import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWebSocketInspector } from '@statelyai/inspect';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createActor, setup } from 'xstate';
import { createSession, type Session, type SessionOptions } from '../../src/index.ts';
import { type PageInspector, pageInspector } from '../../src/inspect/index.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { closeBrowser, hasBrowser, inaccessible, keepPicture, openPage, TIMEOUT_MS } from './browser.ts';
import { runTroupe } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

const FINDINGS = JSON.stringify({
  findings: [],
  overall_correctness: 'patch is correct',
  overall_explanation: 'Nothing is wrong with it.',
  overall_confidence_score: 0.9,
});

/** A reviewer that wants to run something outside of the sandbox before it says what it thinks. */
const ASKING: Script = [
  {
    say: 'I run the tests first.',
    call: [
      {
        name: 'shell',
        arguments: {
          command: 'echo "<img src=x onerror=alert(1)>" \u001b[31m && true',
          with_escalated_permissions: true,
          justification: 'The tests need it.',
        },
      },
    ],
  },
  { say: FINDINGS },
];

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'troupe-page-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
afterAll(closeBrowser);

async function live(
  script: Script,
  options: Partial<SessionOptions> = {},
): Promise<{ session: Session; inspector: PageInspector; url: string }> {
  const inspector = pageInspector({ title: 'the demo', decides: 'always', announce: () => {} });
  const session = createSession({
    model: scriptedModel(script),
    cwd: home,
    home,
    checkpoints: 'off',
    projectInstructions: false,
    inspect: inspector,
    ...options,
  });
  onTestFinished(async () => {
    await session.close();
    await inspector.close();
  });
  return { session, inspector, url: (await inspector.served).url };
}

/** The line of the tree with this path and state, without what is below it. */
const node = (page: Page, path: string, state = '') =>
  page.locator(`[data-path="${path}"] > .node`, { hasText: state }).first();

describe.skipIf(!hasBrowser)('the page in a browser', { timeout: 2 * TIMEOUT_MS }, () => {
  it('shows what a nested reviewer asks with its path, has it approved, and goes back to that moment later', async () => {
    const { session, url } = await live(ASKING);
    const review = session.review({ type: 'custom', instructions: 'Is anything wrong with <b>this</b>?' });
    const { page, outside, errors } = await openPage(url);

    const request = page.getByRole('article', { name: 'Request of root/review' });
    await request.waitFor();
    expect(await request.locator('h3').textContent()).toBe('May this command run outside the sandbox?');
    // What would run is there word for word, as text: markup makes no element, and an escape is seen.
    expect(await request.locator('.runs').textContent()).toBe(
      'bash --noprofile --norc -c \'echo "<img src=x onerror=alert(1)>" \\x1b[31m && true\'',
    );
    expect(await page.locator('img').count()).toBe(0);
    await node(page, 'root').click();
    const chart = page.getByRole('region', { name: 'Chart' });
    await chart.locator('[data-state="attention.awaiting-decision"].active').waitFor();
    expect(await page.getByRole('region', { name: 'Why it waits' }).locator('li').allTextContents()).toEqual([
      expect.stringContaining('sub-session'),
      expect.stringContaining('sub-session'),
      expect.stringMatching(/decision\s+req_/),
    ]);
    // What has only just appeared takes no click that was meant for something else.
    await request.getByRole('button', { name: 'Approve', exact: true, disabled: false }).waitFor();
    await keepPicture(page, 'page-request');

    await request.getByRole('button', { name: 'Approve', exact: true }).click();
    await chart.locator('[data-state="attention.clear"].active').waitFor();
    await chart.locator('[data-state="activity.idle"].active').waitFor();
    expect((await review.outcome).status).toBe('completed');
    expect(await request.count()).toBe(0);
    await node(page, 'root/review', 'completed').waitFor();
    expect({ outside, errors }).toEqual({ outside: [], errors: [] });

    await session.close();
    const served = runTroupe(['inspect', session.id], { env: { TROUPE_HOME: home } });
    await served.sees('stderr', 'Ctrl-C');
    const recording = await openPage(served.stdout().trim());
    const travelled = recording.page;
    await travelled.getByRole('region', { name: 'Time travel' }).waitFor();
    expect(await travelled.getByRole('article').count()).toBe(0);
    await travelled.getByRole('button', { name: '‹ request' }).click();
    const then = travelled.getByRole('article', { name: 'Request of root/review' });
    await then.waitFor();
    expect(await then.locator('.runs').textContent()).toContain('onerror=alert(1)');
    // It is over: nothing can be decided any more.
    expect(await then.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await travelled
      .getByRole('region', { name: 'Chart' })
      .locator('[data-state="attention.awaiting-decision"].active')
      .waitFor();
    await keepPicture(travelled, 'page-time-travel');
    await travelled.getByRole('button', { name: 'One step forward' }).click();
    await travelled.getByRole('button', { name: 'One step back' }).click();
    await then.waitFor();
    expect({ outside: recording.outside, errors: recording.errors }).toEqual({ outside: [], errors: [] });
  });

  it('interrupts a session, and shows the receipt', async () => {
    // Where there is no sandbox, or none can be made just now, it would be asked.
    const { session, url } = await live(
      [{ call: [{ name: 'shell', arguments: { command: 'sleep 600', timeout_ms: 600_000 } }] }],
      { sandbox: 'danger-full-access' },
    );
    const task = session.run('Wait.');
    const { page, errors } = await openPage(url, { colorScheme: 'dark' });
    await node(page, 'root/regular/foreground/work/call/0', 'executing').waitFor();
    await node(page, 'root').click();
    await page.getByRole('button', { name: 'Interrupt' }).click();
    const receipt = page.getByRole('status', { name: 'What came of it' });
    await receipt.getByText('reason: interrupted').waitFor();
    await receipt.getByText(/^processes: \d+ killed, 0 survivors$/).waitFor();
    await page.getByRole('region', { name: 'Chart' }).locator('[data-state="activity.idle"].active').waitFor();
    await keepPicture(page, 'page-receipt');
    expect((await task.outcome).status).toBe('aborted');
    expect(errors).toEqual([]);
  });

  it('stops one task, steers, and says why what cannot be done cannot', async () => {
    const { session, url } = await live([{ say: 'Half', hang: true }, { say: 'Again.' }]);
    session.run('Wait.');
    const { page, errors } = await openPage(url);
    await node(page, 'root/regular').click();
    await page.getByLabel('Say something to root').fill('Be quick.');
    await page.getByRole('button', { name: 'Say', exact: true }).click();
    await page.getByText('Said: steered').waitFor();
    await page.getByRole('button', { name: 'Stop the task' }).click();
    await page.getByText('reason: interrupted').first().waitFor();
    await session.close();
    await node(page, 'root', 'closed').waitFor();
    expect(errors).toEqual([]);
  });

  it('lets a run of the command line be answered, which waits for it', async () => {
    const { env } = await startScriptedServer([
      { call: [{ name: 'shell', arguments: { command: 'touch made' } }] },
      { say: 'It was not to be.' },
    ]);
    const run = runTroupe(['exec', '--inspect', '-m', 'scripted', '-a', 'untrusted', '-C', home, 'Test it.'], {
      env: { ...env, TROUPE_HOME: home },
    });
    await run.sees('stderr', '/?token=');
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+/.exec(run.stderr()) ?? [];
    const { page } = await openPage(url);
    await page.getByRole('article', { name: 'Request of root' }).getByRole('button', { name: 'Deny' }).click();
    const { code, stdout } = await run.ended;
    expect([code, stdout, existsSync(join(home, 'made'))]).toEqual([0, 'It was not to be.\n', false]);
    await page.getByText('the program is gone').waitFor();
  });

  it('says which session it does not know', async () => {
    const { code, stderr } = await runTroupe(['inspect', 'no-such'], { env: { TROUPE_HOME: home } }).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('no-such')]);
  });

  it.each(['light', 'dark'] as const)('keeps the rules for accessible pages, %s', async (colorScheme) => {
    const { session, url } = await live(ASKING);
    session.review({ type: 'custom', instructions: 'Look.' });
    const { page } = await openPage(url, { colorScheme });
    await page.getByRole('button', { name: 'Approve', exact: true, disabled: false }).waitFor();
    await page.getByRole('region', { name: 'Chart' }).locator('.active').first().waitFor();
    expect(await inaccessible(page)).toEqual([]);
    await page.getByRole('button', { name: 'list' }).click();
    await page.getByRole('button', { name: 'Interrupt' }).click();
    await page.getByText('reason: interrupted').waitFor();
    expect(await inaccessible(page)).toEqual([]);
  });

  it('is gone through with the keyboard alone', async () => {
    const { session, url } = await live(ASKING);
    session.review({ type: 'custom', instructions: 'Look.' });
    const { page } = await openPage(url);
    await page.getByRole('article').waitFor();
    const focused = () => page.evaluate<string | null>("document.activeElement?.getAttribute('data-path') ?? null");
    await page.getByRole('treeitem', { name: /^root busy/ }).focus();
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('root/review');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('root/review');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'root/review' }).waitFor();
    await page.keyboard.press('Home');
    expect(await focused()).toBe('root');
  });

  it('shows an unrelated XState program that connects with Stately’s own inspector', async () => {
    const served = runTroupe(['inspect'], { env: { TROUPE_HOME: home } });
    await served.sees('stderr', 'Ctrl-C');
    const inspectorUrl = /connect to (\S+)/.exec(served.stderr())?.[1] ?? '';
    const { page, outside, errors } = await openPage(served.stdout().trim());
    await page.getByText('createWebSocketInspector').waitFor();

    const inspector = createWebSocketInspector({ url: inspectorUrl });
    onTestFinished(() => inspector.stop());
    const light = setup({}).createMachine({
      id: 'traffic-light',
      initial: 'green',
      states: { green: { on: { TIMER: 'yellow' } }, yellow: { on: { TIMER: 'red' } }, red: { on: { TIMER: 'green' } } },
    });
    const actor = createActor(light, { inspect: inspector.inspect });
    actor.start();
    actor.send({ type: 'TIMER' });

    await page.getByRole('treeitem', { name: /^traffic-light yellow/ }).waitFor();
    const chart = page.getByRole('region', { name: 'Chart' });
    await chart.locator('[data-state="yellow"].active').waitFor();
    expect(await chart.locator('.label.last').textContent()).toContain('TIMER');
    actor.send({ type: 'TIMER' });
    await chart.locator('[data-state="red"].active').waitFor();
    await keepPicture(page, 'page-any-program');
    expect({ outside, errors }).toEqual({ outside: [], errors: [] });
  });
});

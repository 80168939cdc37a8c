import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Run, runTroupe, temporaryDirectory } from './run-troupe.ts';

/** How long a demo may take: it promises to be done within a minute. */
const DEMO_MS = 60_000;

function startDemo(args: readonly string[] = [], input = ''): { run: Run; temporary: string } {
  const temporary = temporaryDirectory();
  return { run: runTroupe(['demo', ...args], { env: { TMPDIR: temporary }, input }), temporary };
}

/** What the demo has left in the directory for temporary files. */
const leftIn = (directory: string) => readdirSync(directory);

describe('troupe demo', { timeout: DEMO_MS }, () => {
  it('shows a session that mends a failing test, checks it, and leaves nothing behind', async () => {
    const { run, temporary } = startDemo();
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stderr, left: leftIn(temporary) }).toEqual({ code: 0, stderr: '', left: [] });
    const inOrder = [
      'Troupe demo',
      'The model is scripted; everything else is real: the git repository',
      ' session │ ',
      '    task │ regular started',
      '    user │ The test of this shop fails.',
      ' command │ cat src/cart.js',
      '  result │ ✓ exit code 0',
      ' command │ node --test',
      ' request │ May this command run?',
      `         │   runs      bash --noprofile --norc -c 'node --test'`,
      `         │   in        ${temporary}/troupe-demo-`,
      '         │   asked by  root',
      '    demo │ approves it (with --interactive, you decide)',
      'decision │ approved',
      '  result │ ✗ exit code 1',
      'actual: 1650',
      '    plan │ ✓ Find out why the test fails',
      '   patch │ ✓ changed src/cart.js',
      ' request │ May this command run?',
      'decision │ approved',
      '  result │ ✓ exit code 0',
      '   agent │ Mended: ',
      '    task │ ✓ completed',
      '         │ +  for (const item of items) total += item.priceCents * item.quantity;',
      '  ✓ the test passes (node --test: exit code 0)',
      '  ✓ git diff shows exactly the patched file: src/cart.js',
      '  ✓ the script was played as written: 6 requests to the model',
      '  ✓ the log has ',
      `The log: ${temporary}/troupe-demo-`,
      'All of it went as promised.',
    ];
    const missing = missingInOrder(stdout, inOrder);
    expect({ missing, stdout: missing.length === 0 ? '' : stdout }).toEqual({ missing: [], stdout: '' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing but text where nobody looks at a terminal.
    expect(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(stdout)).toBe(false);
  });

  it('keeps the directory and the log when it is asked to', async () => {
    const { run, temporary } = startDemo(['--keep']);
    const { code, stdout } = await run.ended;
    expect({ code, left: leftIn(temporary) }).toEqual({ code: 0, left: [expect.stringMatching(/^troupe-demo-/)] });
    const log = /^The log: (\S+)$/m.exec(stdout)?.[1] ?? '';
    expect(readFileSync(log, 'utf8')).toContain('"type":"task.completed"');
  });

  it('works whatever the settings of git are', async () => {
    const home = temporaryDirectory();
    const settings =
      '[commit]\n gpgsign = true\n[core]\n autocrlf = true\n[diff]\n noprefix = true\n external = false\n';
    writeFileSync(join(home, '.gitconfig'), settings);
    const env = { HOME: home, GIT_DIR: home, TMPDIR: temporaryDirectory() };
    const { code, stdout } = await runTroupe(['demo'], { env }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('went as promised') });
  });

  it('lets a person decide: y approves, and a approves the same again without another question', async () => {
    const { run } = startDemo(['--interactive'], 'a\ny\n');
    const { code, stdout } = await run.ended;
    expect({ code, asked: stdout.split('[y] approve').length - 1 }).toEqual({ code: 0, asked: 2 });
    expect(stdout).toContain('decision │ approved-for-session');
    const { run: other } = startDemo(['--interactive'], 'y\ny\ny\n');
    expect(await other.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('went as promised') });
  });

  it('says what came of it when a person denies, and ends with 1', async () => {
    const { run, temporary } = startDemo(['--interactive'], 'n\ny\n');
    const { code, stdout } = await run.ended;
    expect({ code, left: leftIn(temporary) }).toEqual({ code: 1, left: [] });
    const inOrder = [
      'decision │ denied',
      '  result │ ✗ declined: rejected by user',
      '   agent │ I may not run the test, so I go by the source',
      'decision │ denied: this was denied before in this task, and is not asked again. Go on without it.',
      '   agent │ The line is changed, but I may not run the test: whether it passes now, I cannot say.',
      '  ✓ the test passes',
      'The model could not do all of it: you denied 1 request. What the model did is right all the same.\n',
    ];
    expect(missingInOrder(stdout, inOrder)).toEqual([]);
  });

  it('denies when the answers end, and asks again after one that is none', async () => {
    const { run } = startDemo(['--interactive'], 'perhaps\n');
    const { code, stdout } = await run.ended;
    expect(code).toBe(1);
    expect(stdout).toContain('         │ Expected y, a, n or x, got "perhaps".\n');
    expect(stdout).toContain('decision │ denied: the input ended before there was an answer\n');
  });

  it('says what came of it when a person stops the task, and ends with 1', async () => {
    const { run } = startDemo(['--interactive'], 'x\n');
    const { code, stdout } = await run.ended;
    expect(code).toBe(1);
    const inOrder = [
      'decision │ abort',
      '    task │ ✗ aborted (interrupted)',
      ' receipt │ stopped in ',
      '  ✗ the test fails (node --test: exit code 1)',
      '  ✗ git diff shows not only the patched file: nothing',
      'The task was stopped (interrupted). So: the test fails',
    ];
    expect(missingInOrder(stdout, inOrder)).toEqual([]);
  });

  it('is stopped by Ctrl-C in order, and leaves nothing behind', async () => {
    const temporary = temporaryDirectory();
    const run = runTroupe(['demo', '--interactive'], { env: { TMPDIR: temporary }, input: null });
    await run.sees('stdout', '[y] approve');
    run.child.kill('SIGINT');
    const { code, stdout } = await run.ended;
    expect({ code, left: leftIn(temporary) }).toEqual({ code: 130, left: [] });
    expect(
      missingInOrder(stdout, ['withdrawn', ' receipt │ ', 'requests withdrawn: 1', 'The demo was stopped']),
    ).toEqual([]);
  });

  it('says what it needs where there is no git', async () => {
    const temporary = temporaryDirectory();
    const bin = temporaryDirectory();
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const tool of ['dirname', 'readlink']) symlinkSync(commandPath(tool), join(bin, tool));
    const { code, stderr } = await runTroupe(['demo'], { env: { TMPDIR: temporary, PATH: bin } }).ended;
    expect({ code, left: leftIn(temporary), stderr }).toEqual({
      code: 1,
      left: [],
      stderr: expect.stringMatching(/^troupe: Expected `git init --quiet` to make a repository .*"git" was not found/),
    });
  });
});

function commandPath(name: string): string {
  return spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}

/** Which of these texts do not come, each after the one before it. */
function missingInOrder(text: string, wanted: readonly string[]): string[] {
  let from = 0;
  return wanted.filter((each) => {
    const at = text.indexOf(each, from);
    if (at >= 0) from = at + each.length;
    return at < 0;
  });
}

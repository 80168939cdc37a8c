import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const canMount = process.geteuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
const CALLS = 40;

/** A session that says more than the disk takes, and what a resume finds when there is room again. */
const PROGRAM = `
  import { readFileSync, rmSync, writeFileSync } from 'node:fs';
  import * as z from 'zod';
  import { createSession, defineTool, resumeSession } from ${JSON.stringify(url('index.ts'))};
  import { verifyLog } from ${JSON.stringify(url('rollout/verify/verify.ts'))};
  import { scriptedModel } from ${JSON.stringify(url('testing/index.ts'))};
  const [place] = process.argv.slice(1);
  writeFileSync(place + '/filler', 'x'.repeat(100_000));
  let ran = 0;
  const act = defineTool({
    name: 'act', description: 'Acts.', input: z.object({}),
    execute: () => { ran += 1; return 'x'.repeat(8_000); },
  });
  const call = { call: { name: 'act', arguments: {} } };
  const options = (script) => ({
    model: scriptedModel(script), tools: [act], home: place + '/home', projectInstructions: false, checkpoints: 'off',
  });
  const session = createSession(options([...Array(${CALLS}).fill(call), { say: 'done' }]));
  const reasons = [];
  session.events$.subscribe((event) => { if (event.type === 'session.degraded') reasons.push(event.reason); });
  const { status } = await session.run('go').outcome;
  const refused = session.entries().filter((entry) => entry.type === 'output' && entry.output.includes('could not be written'));
  await session.close();
  const verdictOf = async ({ logLocation }) => (await verifyLog([readFileSync(logLocation)])).verdict;
  const verdicts = [await verdictOf(session)];
  rmSync(place + '/filler');
  const before = ran;
  const again = await resumeSession(session.id, options([{ say: 'on' }]));
  const outputs = again.entries().filter(({ type }) => type === 'output').length;
  const calls = again.entries().filter(({ type }) => type === 'call').length;
  const { status: next } = await again.run('on').outcome;
  await again.close();
  verdicts.push(await verdictOf(again));
  console.log(JSON.stringify({ status, before, refused: refused.length, reasons, calls, outputs, next, verdicts, after: ran }));
`;

it.skipIf(!canMount)(
  'a disk that is really full stops tools, and a resume goes on when there is room (needs root to mount one)',
  () => {
    const place = mkdtempSync(join(tmpdir(), 'troupe-full-'));
    onTestFinished(() => rmSync(place, { recursive: true, force: true }));
    const mounted =
      'mount -t tmpfs -o size=256k none "$1" && exec "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3" "$1"';
    const run = spawnSync('unshare', ['-m', 'sh', '-c', mounted, 'sh', place, process.execPath, PROGRAM], {
      encoding: 'utf8',
      cwd: join(import.meta.dirname, '../..'),
    });
    const found = JSON.parse(run.stdout || JSON.stringify({ error: run.stderr }));
    expect(found).toEqual({
      status: 'completed',
      before: expect.any(Number),
      refused: CALLS - found.before,
      reasons: [expect.stringContaining('ENOSPC')],
      calls: found.outputs,
      outputs: expect.any(Number),
      next: 'completed',
      verdicts: ['legal', 'legal'],
      after: found.before,
    });
    expect(found.before).toBeGreaterThan(3);
    expect(found.before).toBeLessThan(CALLS);
    // The last that ran may have its start in the log and no output.
    expect(Math.abs(found.before - found.calls)).toBeLessThanOrEqual(1);
  },
);

function url(path: string): string {
  return new URL(`../../src/${path}`, import.meta.url).href;
}

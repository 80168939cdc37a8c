import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createSession, type OnRequest, openaiModel, type TaskOutcome } from '../index.ts';
import { display } from '../policy/display.ts';
import { messageOf } from '../protocol/errors.ts';
import { decisionWord } from '../protocol/requests.ts';
import { type ScriptedWire, scriptedWire } from '../testing/index.ts';
import { block } from './block.ts';
import { type DemoRepository, makeRepository, SOURCE } from './demo-repository.ts';
import { DEMO_TASK, demoScript, TEST_COMMAND } from './demo-script.ts';
import { type LocatedLogs, locatedLogs } from './log-location.ts';
import { counted } from './receipt-lines.ts';
import { render } from './render.ts';
import { requestLines } from './request-lines.ts';
import { watchSignals } from './signals.ts';
import { createAsker, type Paint, paintFor } from './terminal.ts';

export type DemoOptions = Readonly<{ interactive?: true; keep?: true }>;

/** Shows a session at work in a repository made for it, and checks what came of it; gives the exit code. */
export async function demo({ interactive, keep }: DemoOptions): Promise<number> {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-demo-')));
  try {
    return await play(place, interactive === true, keep === true);
  } finally {
    if (!keep) rmSync(place, { recursive: true, force: true });
  }
}

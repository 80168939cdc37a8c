import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, TestRunner } from 'vitest';
import type { MemoryLogStore } from '../src/rollout/memory-log-store.ts';
import { verifyLog } from '../src/rollout/verify/verify.ts';

/** When the test has ended, the logs in memory that it has written are legal, as far as they go. */
export function verifyLogsAfterwards(store: MemoryLogStore): void {
  // What is set up for many tests is not of one.
  if (TestRunner.getCurrentTest() === undefined) return;
  onTestFinished(() => expectLegalLogs(store));
}

/** Throws when a log in memory is not legal. */
export async function expectLegalLogs(store: MemoryLogStore): Promise<void> {
  for (const id of store.sessions()) await expectLegalLog(id, store.bytes(id));
}

/** Throws when a log of a home that is this directory, or below it, is not legal. */
export async function expectLegalLogsBelow(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => LOG.test(name));
  for (const name of names) await expectLegalLog(name, readFileSync(join(directory, name)));
}

/** Throws when a log is not legal, as far as it goes. One of which no line was finished says nothing yet. */
export async function expectLegalLog(name: string, bytes: Uint8Array): Promise<void> {
  if (!bytes.includes(LINE_FEED)) return;
  const verdict = await verifyLog([bytes]);
  if (verdict.verdict !== 'legal') throw new Error(`The log of session ${name}: ${JSON.stringify(verdict)}`);
}

const LOG = /(^|\/)sessions\/\d{4}\/\d\d\/\d\d\/[^/]+\.jsonl$/;
const LINE_FEED = 0x0a;

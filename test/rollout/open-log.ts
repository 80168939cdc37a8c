import { vi } from 'vitest';
import {
  type LogFault,
  type LogOperation,
  type MemoryLogStore,
  memoryLogStore,
} from '../../src/rollout/memory-log-store.ts';
import { decodeRecord, type LogRecord, splitLines } from '../../src/rollout/record.ts';
import { createLogWriter, type LogMode, type LogWriter } from '../../src/rollout/writer.ts';

/** How often to look, and when to give up, in ms. */
export const WAIT = { interval: 1, timeout: 15_000 };

/** A writer on a log in memory, and what it told of failures. */
export type OpenedLog = { store: MemoryLogStore; writer: LogWriter; failures: string[] };

export function open({
  mode = 'durable',
  fault,
  onFailure,
}: {
  mode?: LogMode;
  fault?: LogFault;
  onFailure?: () => void;
} = {}): OpenedLog {
  const store = memoryLogStore(fault === undefined ? {} : { fault });
  const failures: string[] = [];
  const writer = createLogWriter({
    sessionId: 's1',
    open: () => store.create('s1', 0),
    mode,
    onFailure(message) {
      failures.push(message);
      onFailure?.();
    },
  });
  return { store, writer, failures };
}

export function record(seq: number, text?: string): LogRecord {
  const payload = text === undefined ? { step: seq } : { step: seq, text };
  return { seq, epoch: 0, time: '2026-03-01T12:00:00.000Z', type: 'step.started', payload };
}

export function seqsOf(bytes: Uint8Array): number[] {
  return splitLines(bytes).lines.map((line) => {
    const decoded = decodeRecord(line);
    return decoded.ok ? decoded.record.seq : -1;
  });
}

export async function until(store: MemoryLogStore, operation: LogOperation, times: number): Promise<void> {
  await vi.waitUntil(() => store.operations().filter((each) => each === operation).length >= times, WAIT);
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

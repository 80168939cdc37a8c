import { expect, onTestFinished } from 'vitest';
import { createSession, type Session, type SessionEvent, type SessionOptions } from '../../src/index.ts';
import { type MemoryLogStore, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { verifyLog } from '../../src/rollout/verify/verify.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

type Options<T extends TaskDefinitions> = Partial<SessionOptions<T>> & { script?: Script };

/** A session with a scripted model and a log in memory, and everything that it tells, in order. */
export function rig<T extends TaskDefinitions = Record<never, never>>({ script = [], ...options }: Options<T> = {}) {
  const model = scriptedModel(script);
  const log = memoryLogStore();
  const session = createSession<T>({
    model,
    rollout: 'durable',
    projectInstructions: false,
    // Tests that say nothing of a directory work in this one, which nobody wants kept each time.
    checkpoints: 'off',
    world: { logStore: log, ...options.world },
    ...options,
  });
  verifyAfterwards(log);
  const events: SessionEvent[] = [];
  session.events$.subscribe((event) => {
    events.push(event);
  });
  return { session, model, log, events, types: () => events.filter(({ seq }) => seq !== null).map(({ type }) => type) };
}

/** Resolves with the next event that fits. */
export function next(session: Pick<Session, 'events$'>, fits: (event: SessionEvent) => boolean): Promise<SessionEvent> {
  return new Promise((resolve) => {
    const following = session.events$.subscribe((event) => {
      if (!fits(event)) return;
      following.unsubscribe();
      resolve(event);
    });
  });
}

export function nextOf(session: Pick<Session, 'events$'>, type: SessionEvent['type']): Promise<SessionEvent> {
  return next(session, (event) => event.type === type);
}

/** Whatever a test does, the logs that it has written are legal, as far as they go. */
function verifyAfterwards(log: MemoryLogStore): void {
  // What is set up for many tests is not of one.
  if (expect.getState().currentTestName === undefined) return;
  onTestFinished(async () => {
    for (const id of log.sessions()) {
      const bytes = log.bytes(id);
      if (bytes.length === 0) continue;
      const verdict = await verifyLog([bytes]);
      if (verdict.verdict !== 'legal') throw new Error(`The log of session ${id}: ${JSON.stringify(verdict)}`);
    }
  });
}

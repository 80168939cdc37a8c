import { createSession, type Session, type SessionEvent, type SessionOptions } from '../../src/index.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { verifyLogsAfterwards } from '../legal-logs.ts';

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
  verifyLogsAfterwards(log);
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

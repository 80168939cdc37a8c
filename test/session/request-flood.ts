import * as z from 'zod';
import { defineTask, type RequestSubject, type SessionOptions, type SessionRequest } from '../../src/index.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import type { Script } from '../../src/testing/script.ts';
import { verifiedWorld } from '../simulation/verified-world.ts';

export const command = (name: string): RequestSubject => ({
  kind: 'command',
  argv: [name],
  shown: name,
  cwd: '/work',
  sandbox: 'workspace-write',
  escalated: false,
});

const asks = z.object({ ids: z.array(z.string()) });

/** Asks for each command at once, and gives back the decisions in the order of the commands. */
export const asker = defineTask({
  input: asks,
  work: async ({ ids }, ports) => ({ answers: await Promise.all(ids.map((id) => ports.ask(command(id)))) }),
});

/** Asks for each command once the one before it is decided. */
export const patient = defineTask({
  input: asks,
  async work({ ids }, ports) {
    const answers: unknown[] = [];
    for (const id of ids) answers.push(await ports.ask(command(id)));
    return { answers };
  },
});

/** Lets something be done this many sessions below. */
export const below = defineTask({
  input: z.object({ depth: z.number(), kind: z.string(), input: z.unknown() }),
  work: async ({ depth, kind, input }, ports): Promise<object> =>
    depth === 1
      ? ports.delegate({ kind, input })
      : ports.delegate({ kind: 'below', input: { depth: depth - 1, kind, input } }),
});

/** Does several things at once, each in a sub-session of its own. */
export const several = defineTask({
  input: z.object({ of: z.array(z.object({ kind: z.string(), input: z.unknown() })) }),
  work: async ({ of }, ports) => ({
    inner: await Promise.all(of.map((one) => ports.delegate({ as: 'part', ...one }))),
  }),
});

/** A sub-session whose requests are decided on their way up. */
const judged = defineTask({
  input: asks,
  work: async (input, ports) => ports.delegate({ kind: 'patient', input, consider: () => 'approved' }),
});

const TASKS = { asker, patient, below, several, judged };

type FloodOptions<T> = Pick<Partial<SessionOptions>, 'onRequest' | 'limits' | 'tools'> & { script?: Script; tasks?: T };

/** A session in a simulated world, and what people are shown of it. */
export function floodRig<T extends TaskDefinitions = Record<never, never>>(
  { script = [], tasks, ...options }: FloodOptions<T> = {},
  seed = 1,
) {
  const simulated = verifiedWorld(seed);
  const session = simulated.open({
    model: simulated.model(script),
    tasks: { ...TASKS, ...tasks } as typeof TASKS & T, // A spread of an option that is not there is empty.
    projectInstructions: false,
    ...options,
  });
  const shown: SessionRequest[] = [];
  if (options.onRequest === undefined) session.requests$.subscribe((request) => void shown.push(request));
  const events = () => simulated.trace().flatMap((entry) => (entry.type === 'event' ? [entry.event] : []));
  const ids = (type: 'request.opened' | 'request.resolved') =>
    events().flatMap((event) => {
      if (event.type === 'request.opened' && type === event.type) return [event.request.id];
      return event.type === 'request.resolved' && type === event.type ? [event.requestId] : [];
    });
  const names = (requests: readonly SessionRequest[]) =>
    requests.map(({ subject }) => (subject.kind === 'command' ? (subject.argv[0] ?? '') : subject.kind));
  return { world: simulated, session, shown, events, ids, names, now: () => simulated.clock.now() };
}

export const numbered = (count: number, name = 'c') => Array.from({ length: count }, (_, index) => `${name}${index}`);

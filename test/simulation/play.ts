import type { SessionRequest } from '../../src/protocol/requests.ts';
import type { Task } from '../../src/session/task-handle.ts';
import { seededRng } from '../../src/testing/seeded-rng.ts';
import { START_MS } from '../../src/testing/stepped-clock.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { decisionFor, KINDS, stepOf } from './actors.ts';
import type { Deed, Program } from './program.ts';

/** What became of a program. */
export type Played = Readonly<{
  program: Program;
  world: SimulatedWorld;
  sessionId: string;
  /** The power was cut: the world stands still in the middle. */
  isCut: boolean;
  /** What was promised and never came. */
  unkept: readonly string[];
  /** What is asked after all is over. */
  pending: readonly SessionRequest[];
}>;

/**
 * Does to one session whatever a caller can do, at whatever moment, while its model, tools, sub-sessions and people do
 * whatever they can; then closes it, and lets all come to rest. The program decides all of it.
 */
export async function play(program: Program): Promise<Played> {
  const simulated = world(program.seed, { faults: program.faults.logs });
  const session = openSession(simulated, program);
  const promises = promisesKept();
  const act = callerOf(session, simulated.clock, promises.expectKept);
  let at = 0;
  for (const { afterMs, ...deed } of program.acts) {
    at += afterMs;
    simulated.clock.setTimeout(() => act(deed), at);
  }
  let timers = 0;
  let isCut = false;
  const played = () => ({ program, world: simulated, sessionId: session.id, isCut, unkept: promises.unkept() });
  const mayGoOn = () => {
    timers += 1;
    isCut = timers === program.cutAtTimer;
    return !isCut;
  };
  await simulated.run(() => !mayGoOn() || simulated.clock.now() >= START_MS + at);
  if (!isCut) await simulated.run(() => !mayGoOn() || simulated.rng.integer(0, 50) === 0);
  if (isCut) return { ...played(), unkept: [], pending: [] };
  promises.expectKept('close', session.close());
  await simulated.run();
  return { ...played(), pending: session.pending() };
}

type ExpectKept = (what: string, promise: Promise<unknown>) => void;

function promisesKept(): Readonly<{ expectKept: ExpectKept; unkept(): readonly string[] }> {
  const unkept = new Set<string>();
  return {
    expectKept(what, promise) {
      unkept.add(what);
      promise.then(
        () => unkept.delete(what),
        (error: unknown) => unkept.add(`${what} was rejected: ${error}`),
      );
    },
    unkept: () => [...unkept],
  };
}

/** How many requests a model answers in one program: more than any makes. */
const STEPS_MAX = 2_000;

function openSession(simulated: SimulatedWorld, program: Program) {
  const { rng, clock } = simulated;
  const { sandbox, limits, people, faults } = program;
  const [model, decisions] = [rng.fork('the model'), rng.fork('people')];
  simulated.command('quick', { output: ['done\n'] });
  simulated.command('slow', { output: ['a', 'b', 'c'], exitAfterMs: 500 });
  simulated.command('stubborn', { output: ['x'], exitCode: null, onTerm: faults.commands ? 'ignored' : 'ends' });
  simulated.command('tidy', { exitCode: null, onTerm: { exitCode: 3 } });
  const decide = async (request: SessionRequest, { signal }: { signal: AbortSignal }) => {
    await clock.pass(decisions.integer(0, 500), 'a person to decide', signal);
    return decisions.integer(0, 5) === 0 ? undefined : decisionFor(request, decisions);
  };
  return simulated.open({
    model: simulated.model(Array<() => ReturnType<typeof stepOf>>(STEPS_MAX).fill(() => stepOf(program, model))),
    tasks: KINDS,
    sandbox,
    limits: { ...limits, depthMax: 4 },
    ...(people ? { onRequest: decide } : {}),
  });
}

/** Does one thing to the session each time it is called. */
function callerOf(
  session: ReturnType<typeof openSession>,
  clock: SimulatedWorld['clock'],
  expectKept: ExpectKept,
): (deed: Deed) => void {
  const tasks: Task[] = [];
  const keep = (task: Task) => {
    tasks.push(task);
    expectKept(`the outcome of ${task.id}`, task.outcome);
  };
  const withOne = <T>(all: readonly T[], which: number, act: (one: T) => void) => {
    const one = all[which % all.length];
    if (one !== undefined) act(one);
  };
  const read = async (task: Task) => {
    for await (const event of task) if (event.type === 'session.closed') return;
  };
  return (deed) => {
    switch (deed.does) {
      case 'run': {
        const { whenBusy, stopAfterMs } = deed;
        const stop = new AbortController();
        if (stopAfterMs !== null) clock.setTimeout(() => stop.abort(), stopAfterMs);
        return keep(session.run('Do it.', { whenBusy, ...(stopAfterMs === null ? {} : { signal: stop.signal }) }));
      }
      case 'help':
        return keep(session.start('helper', { depth: 2, chance: deed.chance }, { whenBusy: deed.whenBusy }));
      case 'beside':
        return keep(session.start('beside', { takesMs: deed.takesMs, heeds: deed.heeds }));
      case 'shell':
        return keep(session.shell(deed.command));
      case 'compact':
        return keep(session.compact({ whenBusy: deed.whenBusy }));
      case 'answer':
        return withOne(session.pending(), deed.which, (request) =>
          session.answer(request.id, decisionFor(request, seededRng(deed.chance))),
        );
      case 'steer':
        return void session.steer('And this.');
      case 'interrupt':
        return expectKept('an interrupt', session.interrupt());
      case 'abort':
        return withOne(tasks, deed.which, (task) => expectKept(`an abort of ${task.id}`, task.abort()));
      case 'cancel':
        return withOne(tasks, deed.which, (task) => task.cancel());
      case 'read':
        return withOne(tasks, deed.which, (task) => expectKept(`the last event of ${task.id}`, read(task)));
    }
  };
}

import * as z from 'zod';
import type { Decision, SessionRequest } from '../../src/protocol/requests.ts';
import type { Task } from '../../src/session/task-handle.ts';
import { defineTask } from '../../src/tasks/define-task.ts';
import type { ScriptCall, ScriptStep } from '../../src/testing/script.ts';
import type { SeededRng } from '../../src/testing/seeded-rng.ts';
import { START_MS } from '../../src/testing/stepped-clock.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { expectLegalLogs } from '../legal-logs.ts';

/** What became of a swarm: its world at rest, what was promised and never came, and what is asked after all is over. */
export type Swarmed = Readonly<{
  seed: number;
  world: SimulatedWorld;
  unkept: readonly string[];
  pending: readonly SessionRequest[];
}>;

/**
 * Does to one session whatever a caller can do, at whatever moment, while its model, tools, sub-sessions and people do
 * whatever they can; then closes it. The seed decides all of it.
 */
export async function runSwarm(seed: number): Promise<Swarmed> {
  const simulated = world(`swarm ${seed}`);
  const { rng, clock } = simulated;
  const session = openSession(simulated);
  const unkept = new Set<string>();
  const expectKept: ExpectKept = (what, promise) => {
    unkept.add(what);
    promise.then(
      () => unkept.delete(what),
      (error: unknown) => unkept.add(`${what} was rejected: ${error}`),
    );
  };
  const act = callerOf(session, rng, clock, expectKept);
  const pace = rng.pace([5, 50, 400]);
  let at = 0;
  for (let count = rng.integer(1, 25); count > 0; count -= 1) {
    clock.setTimeout(act, at);
    at += pace();
  }
  await simulated.run(() => clock.now() >= START_MS + at);
  await simulated.run(() => rng.integer(0, 50) === 0);
  expectKept('close', session.close());
  await simulated.run();
  await expectLegalLogs(simulated.logStore);
  return { seed, world: simulated, unkept: [...unkept], pending: session.pending() };
}

type ExpectKept = (what: string, promise: Promise<unknown>) => void;

/** How many requests a model answers in one swarm: more than any makes. */
const STEPS = 2_000;

function openSession(simulated: SimulatedWorld) {
  const { rng, clock } = simulated;
  const model = rng.fork('the model');
  simulated.command('quick', { output: ['done\n'] });
  simulated.command('slow', { output: ['a', 'b', 'c'], exitAfterMs: 500 });
  simulated.command('stubborn', { output: ['x'], exitCode: null, onTerm: 'ignored' });
  simulated.command('tidy', { exitCode: null, onTerm: { exitCode: 3 } });
  const decide = async (request: SessionRequest, { signal }: { signal: AbortSignal }) => {
    await clock.pass(rng.integer(0, 500), 'a person to decide', signal);
    return rng.integer(0, 5) === 0 ? undefined : decisionFor(request, rng);
  };
  return simulated.open({
    model: simulated.model(Array.from({ length: STEPS }, () => () => stepOf(model))),
    tasks: { helper: helperIn(simulated), beside: besideIn(simulated) },
    sandbox: rng.pick(['workspace-write', 'danger-full-access']),
    limits: {
      requestTimeoutMs: rng.pick([null, 400]),
      requestsOpenMax: rng.pick([1, 8, null]),
      requestsPerMinuteMax: rng.pick([2, 30, null]),
      graceMs: rng.pick([0, 100]),
      depthMax: 4,
    },
    ...(rng.pick([true, false]) ? { onRequest: decide } : {}),
  });
}

function stepOf(rng: SeededRng): ScriptStep {
  const calls = (count: number) => Array.from({ length: count }, () => callOf(rng));
  return rng.pick<() => ScriptStep>([
    () => ({ say: ['All ', 'done.'] }),
    () => ({ say: 'Yes.' }),
    () => ({ reason: 'Hm.', say: 'I look.', call: calls(1) }),
    () => ({ call: calls(1) }),
    () => ({ call: calls(2) }),
    () => ({ call: calls(3) }),
    () => ({ say: ['Half', ' of'], hang: true }),
    () => ({ fail: {} }),
    () => ({ say: 'Cut', incomplete: 'length' }),
  ])();
}

function callOf(rng: SeededRng): ScriptCall {
  const shell = (): ScriptCall => {
    const command = rng.pick(['ls', 'quick', 'slow', 'stubborn', 'tidy']);
    return { name: 'shell', arguments: { command, ...(rng.pick([true, false]) ? { timeout_ms: 700 } : {}) } };
  };
  const patch = (): ScriptCall => {
    const lines = ['*** Begin Patch', `*** Add File: new-${rng.integer(0, 3)}`, '+x', '*** End Patch'];
    return { name: 'apply_patch', arguments: { input: lines.join('\n') } };
  };
  return rng.pick<() => ScriptCall>([
    shell,
    shell,
    shell,
    patch,
    () => ({ name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } }),
    () => ({ name: 'unknown', arguments: {} }),
    () => ({ name: 'shell', arguments: '{broken' }),
  ])();
}

/** Opens sub-sessions and deeper ones, some of which it forgets; asks; fails; never returns; takes long to tidy up. */
function helperIn({ rng, clock }: SimulatedWorld) {
  const chance = rng.fork('helpers');
  const isOne = (of: number) => chance.integer(1, of) === 1;
  return defineTask({
    input: z.object({ depth: z.number() }),
    async work({ depth }, ports) {
      const open = () => {
        if (depth > 0 && isOne(2)) return ports.delegate({ kind: 'helper', input: { depth: depth - 1 } });
        const consider = () => (isOne(2) ? null : 'approved');
        return ports.delegate({ input: 'Go.', ...(isOne(3) ? { consider } : {}) });
      };
      if (isOne(3)) open().catch(() => {});
      const outcomes = await Promise.all(Array.from({ length: chance.integer(0, 2) }, open));
      if (isOne(6)) throw new Error('The helper failed.');
      if (isOne(9)) await new Promise(() => {});
      const question = (id: number) =>
        ports.ask({ kind: 'question', questions: [{ id: `q${id}`, question: 'Really?' }] }).catch(() => {});
      if (isOne(4))
        await Promise.all(Array.from({ length: chance.integer(1, 6) }, () => question(chance.integer(1, 3))));
      return { statuses: outcomes.map(({ status }) => status) };
    },
    async onAbort(_, ports) {
      await clock.pass(chance.integer(0, 1_500), 'a helper to tidy up');
      ports.commit({ type: 'warning.raised', code: 'tidied', message: 'The helper has tidied up.' });
    },
  });
}

function besideIn({ rng, clock }: SimulatedWorld) {
  const chance = rng.fork('beside');
  return defineTask({
    input: z.object({}),
    placement: 'beside',
    async work(_, ports, signal) {
      await clock.pass(chance.integer(0, 900), 'a task beside', chance.pick([signal, undefined]));
      ports.commit({ type: 'warning.raised', code: 'done', message: 'The task beside is done.' });
      return {};
    },
  });
}

const DENY_ALL: Decision = { decision: 'denied', all: true };

function decisionFor({ subject }: SessionRequest, rng: SeededRng): Decision {
  if (subject.kind === 'question')
    return rng.pick<Decision>([{ decision: 'answered', answers: {} }, 'denied', DENY_ALL, 'abort']);
  const once: Decision = { decision: 'approved', count: 1 };
  return rng.pick<Decision>(['approved', once, 'approved-for-session', 'denied', DENY_ALL, 'abort']);
}

/** Does one thing to the session each time it is called. */
function callerOf(
  session: ReturnType<typeof openSession>,
  rng: SeededRng,
  clock: SimulatedWorld['clock'],
  expectKept: ExpectKept,
): () => void {
  const tasks: Task[] = [];
  const keep = (task: Task) => {
    tasks.push(task);
    expectKept(`the outcome of ${task.id}`, task.outcome);
  };
  const withOne = (act: (task: Task) => void) => {
    if (tasks.length > 0) act(rng.pick(tasks));
  };
  const whenBusy = () => ({ whenBusy: rng.pick(['replace', 'queue', 'reject'] as const) });
  const run = () => keep(session.run('Do it.', whenBusy()));
  const help = () => keep(session.start('helper', { depth: 2 }, whenBusy()));
  const runWithSignal = () => {
    const stop = new AbortController();
    clock.setTimeout(() => stop.abort(), rng.integer(0, 300));
    keep(session.run('Do it soon.', { signal: stop.signal, ...whenBusy() }));
  };
  const answer = () => {
    const open = session.pending();
    if (open.length === 0) return;
    const request = rng.pick(open);
    session.answer(request.id, decisionFor(request, rng));
  };
  const read = (task: Task) => {
    const reading = async () => {
      for await (const event of task) if (event.type === 'session.closed') return;
    };
    expectKept(`the last event of ${task.id}`, reading());
  };
  const acts = [
    run,
    run,
    help,
    help,
    () => keep(session.start('beside', {})),
    runWithSignal,
    answer,
    answer,
    () => void session.steer('And this.'),
    () => expectKept('an interrupt', session.interrupt()),
    () => withOne((task) => expectKept(`an abort of ${task.id}`, task.abort())),
    () => withOne((task) => task.cancel()),
    () => withOne(read),
  ];
  return () => rng.pick(acts)();
}

import type { Scheduler } from 'fast-check';
import { createSession, type SessionEvent, type Task } from '../../src/index.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import type { Disposition, Receipt, TaskOutcome } from '../../src/protocol/outcomes.ts';
import { memoryLogStore, scriptedModel, steppedClock, watchRun } from '../../src/testing/index.ts';
import { expectLegalLogs } from '../legal-logs.ts';
import { DECISIONS, kindsOf, type RACE_DECISIONS, type RACE_STEPS, STEPS, type Turn, toolsOf } from './race-parts.ts';

export const RACE_ACTS = [
  'run',
  'run in its place',
  'run unless busy',
  'start a sub-session',
  'start beside',
  'start what breaks',
  'steer',
  'abort',
  'cancel',
  'interrupt',
  'close',
] as const;
/** What happens in a race: what a caller does, after so many turns of others, and what each answer of a model and of a person is. */
export type Race = Readonly<{
  acts: readonly Readonly<{ type: (typeof RACE_ACTS)[number]; which: number; after: number }>[];
  steps: readonly (typeof RACE_STEPS)[number][];
  decisions: readonly (typeof RACE_DECISIONS)[number][];
}>;

export type Raced = Readonly<{
  /** What was promised and did not come about, in words. */
  broken: readonly string[];
  /** What has come about, in words, to see that races are about something. */
  reached: readonly string[];
  turns: number;
}>;

/** How many requests the models of one race answer: more than they make. */
const REQUESTS_MAX = 200;

/** Kinds and tools are the same for all races, because sessions of the same kinds share their machines; one race at a time. */
let turn: Turn = () => Promise.reject(new Error('Expected a race, got none.'));
const tools = toolsOf((whose) => turn(whose));
const tasks = kindsOf((whose) => turn(whose));

/** Whose turn it is, is for the scheduler to say: of the disk, the model, a tool, a work, a person, the clock, or one who calls. */
export async function runRace(scheduler: Scheduler, { acts, steps, decisions }: Race): Promise<Raced> {
  turn = (whose) => scheduler.schedule(Promise.resolve(), whose);
  const broken = new Set<string>();
  const reached = new Set<string>();
  let turns = 0;
  const expectKept = <T>(what: string, promise: Promise<T>, then: (value: T) => void = () => {}) => {
    broken.add(`${what} has not come`);
    promise.then(
      (value) => {
        broken.delete(`${what} has not come`);
        then(value);
      },
      (error: unknown) => void broken.add(`${what} was rejected: ${error}`),
    );
  };
  const stopped = steppedClock();
  const logStore = memoryLogStore({ fault: (operation) => turn(`the disk: ${operation}`) });
  const model = scriptedModel(
    Array.from({ length: REQUESTS_MAX }, (_, at) => () => ({
      waitFor: turn('the model'),
      ...STEPS[steps[at] ?? 'answers'],
    })),
  );
  const session = createSession({
    model: {
      ...model,
      async sample(request, onProgress, signal) {
        const answer = await model.sample(request, onProgress, signal);
        await turn('the connection');
        return answer;
      },
    },
    tools,
    tasks,
    projectInstructions: false,
    checkpoints: 'off',
    world: {
      logStore,
      clock: {
        now: stopped.now,
        clearTimeout: stopped.clearTimeout,
        setTimeout(fire, ms) {
          void turn('the clock').then(stopped.step);
          return stopped.setTimeout(fire, ms);
        },
      },
    },
  });

  const run = watchRun();
  session.events$.subscribe((event) => {
    run.event(event);
    if (isUnsafe(event, (id) => logStore.syncedBytes(id)))
      broken.add(`${event.type} was told before it was on the disk`);
  });
  session.requests$.subscribe(({ id }) => {
    const decision = DECISIONS[decisions[answers.length] ?? 'answered'];
    answers.push(id);
    const answer = () => decision !== null && reached.add(`answer ${session.answer(id, decision)}`);
    // Two people decide.
    void turn('a person').then(answer);
    void turn('another person').then(answer);
  });
  const answers: string[] = [];
  const started: Task[] = [];
  const keep = (task: Task) => {
    const name = `start ${started.push(task)}`;
    reached.add(dispositionWords(task.disposition));
    expectKept(`the outcome of ${name}`, task.outcome, (outcome) => reached.add(outcomeWords(outcome)));
  };
  const abort = (task: Task | undefined) => {
    if (task === undefined) return;
    expectKept('the answer to an abort', task.abort(), (receipt) => {
      reached.add(receiptWords(receipt));
      expectKept('the outcome after an abort', task.outcome, ({ status }) => {
        if (receipt.outcome === 'aborted' && status !== 'aborted') broken.add(`${status} after an abort was accepted`);
      });
    });
  };
  const DO: Readonly<Record<(typeof RACE_ACTS)[number], (which: number) => void>> = {
    run: () => keep(session.run('Do it.', { whenBusy: 'queue' })),
    'run in its place': () => keep(session.run('Do it.', { whenBusy: 'replace' })),
    'run unless busy': () => keep(session.run('Do it.', { whenBusy: 'reject' })),
    'start a sub-session': () => keep(session.start('helper', {})),
    'start beside': () => keep(session.start('beside', {})),
    'start what breaks': () => keep(session.start('breaks', {})),
    steer: () => void reached.add(`steer ${dispositionWords(session.steer('And this.'))}`),
    abort: (which) => abort(started[which % Math.max(1, started.length)]),
    cancel: (which) => started[which % Math.max(1, started.length)]?.cancel(),
    interrupt: () => expectKept('the answer to an interrupt', session.interrupt()),
    close: () => expectKept('an early close', session.close()),
  };
  for (const { type, which, after } of acts) {
    const wait = async () => {
      for (let count = 0; count <= after; count += 1) await turn(type);
    };
    void wait().then(() => DO[type](which));
  }

  const rest = async () => {
    for (;;) {
      await everythingThatNeedsNoTurn();
      if (scheduler.count() === 0) return;
      await scheduler.waitOne();
      turns += 1;
    }
  };
  await rest();
  expectKept('the close', session.close());
  await rest();
  for (const { id, why } of run.end()) broken.add(`${id}: ${why}`);
  await expectLegalLogs(logStore);
  if (session.pending().length > 0) broken.add('something is asked after the close');
  return { broken: [...broken], reached: [...reached], turns };
}

/** Whether an end is told that a power cut could still take back, though nothing was wrong with the disk. */
function isUnsafe(event: SessionEvent, syncedBytes: (sessionId: string) => Uint8Array): boolean {
  if (!isTerminal(event) || event.seq === null || event.durable === false) return false;
  const lines = Buffer.from(syncedBytes(event.sessionId)).toString('utf8').split('\n').length - 1;
  return lines <= event.seq;
}

function dispositionWords(disposition: Disposition): string {
  return disposition.disposition === 'rejected' ? `rejected ${disposition.reason}` : disposition.disposition;
}

function outcomeWords(outcome: TaskOutcome): string {
  return outcome.status === 'aborted' ? `aborted ${outcome.reason}` : outcome.status;
}

function receiptWords({ outcome, phases }: Receipt): string {
  return `abort ${outcome}${phases.some(({ phase }) => phase === 'killing') ? ', killed' : ''}`;
}

/** Node runs an immediate when no promise is left that could go on by itself. */
function everythingThatNeedsNoTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKSTOP_MS } from '../../machines/lifecycle.ts';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { GRACE_MS, KILL_MS, type StagedTask, stageTask } from './lifecycle-stage.ts';
import { stored } from './puppet.ts';
import { stageSession } from './session-stage.ts';

type Move = readonly [move: string, choice: number];

/** Up to 30 moves, each with a number for what it chooses. */
function walksOf(moves: object) {
  return fc.array(fc.tuple(fc.constantFrom(...Object.keys(moves)), fc.nat(9)), { maxLength: 30 });
}

function walk<S>(
  moves: Readonly<Record<string, (staged: S, choice: number) => void>>,
  staged: S,
  [move, choice]: Move,
) {
  moves[move]?.(staged, choice);
}

describe('a task, whatever happens in whatever order', () => {
  const isOver = ({ actor }: StagedTask) => actor.getSnapshot().status !== 'active';
  const live = ({ works, cleanups }: StagedTask) => ({
    work: works.all.find(({ isStopped, hasEnded }) => !isStopped && !hasEnded),
    cleanup: cleanups.all.find(({ isStopped, hasEnded }) => !isStopped && !hasEnded),
  });
  const MOVES: Readonly<Record<string, (task: StagedTask, choice: number) => void>> = {
    abort: (task) => task.abort(),
    kill: (task) => task.kill(),
    cancel: ({ actor }) => actor.send({ type: 'task.cancel' }),
    wait: ({ clock }, choice) => clock.advance(choice * 25),
    acknowledge: (task) => live(task).work?.say({ type: 'work.acknowledged', at: task.clock.now() }),
    settle: (task) => live(task).work?.say({ type: 'work.settled', at: task.clock.now() }),
    done: (task) => live(task).work?.say({ type: 'work.done', at: task.clock.now() }),
    end: (task) => live(task).work?.finish({ end: 'stopped', at: task.clock.now(), report: NOTHING_TO_REPORT }),
    crash: (task) => live(task).work?.crash('It broke.'),
    cleaned: (task) => live(task).cleanup?.finish({ at: task.clock.now() }),
    brokenHook: (task) => live(task).cleanup?.crash('The hook broke.'),
  };

  it('ends once, as aborted if it was aborted while it ran, and within the bound', () => {
    fc.assert(
      fc.property(walksOf(MOVES), (moves) => {
        const task = stageTask();
        let abortedAt: number | null = null;
        for (const move of moves) {
          if (isOver(task)) break;
          if (move[0] === 'abort') abortedAt ??= task.clock.now();
          walk(MOVES, task, move);
          stored(task.actor, task.clock);
        }
        const bound = GRACE_MS + KILL_MS + BACKSTOP_MS;
        if (abortedAt !== null) task.clock.advance(Math.max(0, abortedAt + bound - task.clock.now()));
        else if (!isOver(task)) MOVES.done?.(task, 0);
        const ends = task.above.filter(({ type }) => type.startsWith('xstate.'));
        expect([isOver(task), ends.map(({ type }) => type)]).toEqual([true, ['xstate.done.actor.job/1']]);
        expect(task.end()?.end === 'aborted').toBe(abortedAt !== null);
        expect(task.clock.pending()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a session, whatever happens in whatever order', () => {
  type Session = ReturnType<typeof stageSession>;
  const running = ({ context }: Session) => {
    const { foreground, beside } = context();
    return [...(foreground === null ? [] : [foreground]), ...beside].map(({ taskId }) => taskId);
  };
  const one = (ids: readonly string[], choice: number) => ids[choice % Math.max(1, ids.length)] ?? 'nobody';
  const among = (ids: readonly string[], choice: number, act: (taskId: string) => void) => {
    if (ids.length > 0) act(one(ids, choice));
  };
  const nextId = ({ told }: Session) => `t${told.filter((line) => line.startsWith('answer')).length}`;
  const MOVES: Readonly<Record<string, (session: Session, choice: number) => void>> = {
    start: (session, choice) =>
      session.start(nextId(session), {
        whenBusy: (['queue', 'replace', 'reject'] as const)[choice % 3] ?? 'queue',
        placement: choice > 6 ? 'beside' : 'foreground',
      }),
    crowd: (session, choice) => session.crowd(nextId(session), { placement: choice > 6 ? 'beside' : 'foreground' }),
    grant: (session) => session.grant(),
    steer: (session) => session.steer(`${session.told.length}`),
    complete: (session, choice) => among(running(session), choice, session.complete),
    aborted: (session, choice) => among(running(session), choice, session.aborted),
    crash: (session, choice) => among(running(session), choice, (taskId) => session.task(taskId).crash('It broke.')),
    release: (session, choice) => among(session.context().unreleased, choice, session.release),
    interrupt: (session) => session.interrupt(),
    abort: (session, choice) =>
      session.abort(one([...running(session), ...session.context().queue.map(({ taskId }) => taskId)], choice)),
    close: (session) => session.close(),
  };

  it('knows what runs, answers every start once, starts each task at most once, and comes to rest', () => {
    fc.assert(
      fc.property(walksOf(MOVES), (moves) => {
        const session = stageSession();
        const isOver = () => session.actor.getSnapshot().status !== 'active';
        const check = () => {
          const busy = ['busy', 'replacing'].includes(String(session.activity()));
          const { foreground } = session.context();
          if (session.activity() !== 'closing')
            expect([session.activity(), foreground !== null]).toEqual([session.activity(), busy]);
          const { beside } = session.context();
          const slots = foreground === null ? beside : [foreground, ...beside];
          expect(Object.keys(session.actor.getSnapshot().children).toSorted()).toEqual(
            [
              ...slots.map(({ childId }) => childId),
              ...(session.activity() === 'admitting' ? ['turn'] : []),
            ].toSorted(),
          );
          stored(session.actor, session.clock);
        };
        for (const move of moves) {
          if (isOver()) break;
          // Closing is rare, else nothing else is walked.
          if (move[0] !== 'close' || move[1] === 0) walk(MOVES, session, move);
          check();
        }
        const isMoving = () =>
          !isOver() && [...running(session), ...session.context().unreleased, ...session.context().queue].length > 0;
        for (let count = 0; count < 200 && isMoving(); count += 1) {
          walk(MOVES, session, ['grant', 0]);
          walk(MOVES, session, ['complete', 0]);
          if (!isOver()) walk(MOVES, session, ['release', 0]);
        }
        expect(['idle', 'closed']).toContain(session.activity());
        expect([running(session), session.context().queue, session.context().unreleased]).toEqual([[], [], []]);
        const times = (word: string) => {
          const ids = session.told
            .filter((line) => line.startsWith(`${word} `))
            .map((line) => line.split(' ')[1] ?? '');
          return ids.toSorted();
        };
        const [started, ended, answered] = [times('start'), times('end'), times('answer')];
        expect(started).toEqual(ended);
        expect([new Set(started).size, new Set(answered).size]).toEqual([started.length, answered.length]);
      }),
      { numRuns: 300 },
    );
  });
});

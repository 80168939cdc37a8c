import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { lifecycle } from '../../machines/lifecycle.ts';
import { NOTHING_TO_REPORT, type TaskInput } from '../../src/protocol/messages.ts';
import { type Leaf, type Stage, turnIn } from './actors.ts';
import { type Deed, exploreActors } from './explore-actors.ts';
import { timer } from './leaves.ts';

const TASK: TaskInput = { taskId: 'job/1', sessionId: 's1', kind: 'job', killMs: 500 };
const ERROR = { code: 'internal', message: 'It broke.', retryable: false } as const;
const at = 1;

type Work = { told: boolean; acknowledged: boolean; said: boolean };
type Facts = Readonly<{ abort: 'none' | 'sent' | 'accepted'; kill: boolean; ends: readonly string[] }>;

/** A work that may do anything at any time: also what no work is to do. */
const wildWork: Leaf = {
  start: (): Work => ({ told: false, acknowledged: false, said: false }),
  hear: (state: Work, { type }): Work => ({ ...state, told: state.told || type === 'work.cancel' }),
  steps(state: Work) {
    const says = (type: string) => ({
      what: `says ${type}`,
      state: { ...state, said: true },
      says: [{ type, at, error: ERROR }],
    });
    const ends = (end: string) => ({
      what: `ends ${end}`,
      state,
      ends: { output: { end, answer: null, data: null, error: ERROR, at, report: NOTHING_TO_REPORT } },
    });
    const acknowledges = {
      what: 'acknowledges',
      state: { ...state, acknowledged: true },
      says: [{ type: 'work.acknowledged', at }],
    };
    return [
      ...(state.told && !state.acknowledged ? [acknowledges] : []),
      ...(state.said ? [] : [says('work.done'), says('work.settled'), says('work.failed')]),
      ends('stopped'),
      ends('completed'),
      ends('failed'),
      { what: 'throws', state, ends: { error: new Error('It broke.') } },
    ];
  },
};
/** A work that neither hears nor says anything. */
const deafWork: Leaf = { start: () => ({}), hear: (state) => state, steps: () => [] };
const cleanup: Leaf = {
  start: () => ({}),
  hear: (state) => state,
  steps: (state) => [
    { what: 'ends', state, ends: { output: { at } } },
    { what: 'throws', state, ends: { error: new Error('The hook broke.') } },
  ],
};

const job = lifecycle({ id: 'job', description: 'A job.' });

/** Every order of what a task, its work, its hook and its timers may do, with one abort and one kill at any time. */
function enumerate(work: Leaf, atOnce: boolean, chart: AnyStateMachine = job) {
  const cast: Readonly<Record<string, AnyStateMachine | Leaf>> = { job: chart, work, cleanup, timer };
  const stage: Stage<Facts> = {
    cast: (role) => cast[role],
    atOnce,
    announced() {},
    told(turn, _, { type, output }) {
      const end = type.startsWith('xstate.') ? [`${output?.end ?? 'crashed'}, ${turn.facts.abort}`] : [];
      turn.facts = { ...turn.facts, ends: [...turn.facts.ends, ...end] };
    },
    noted(turn, path, { type }) {
      if (path === 'job' && type === 'task.abort') turn.facts = { ...turn.facts, abort: 'accepted' };
    },
  };
  const turn = turnIn<Facts>(stage, { living: new Map(), mail: [], facts: { abort: 'none', kill: false, ends: [] } });
  turn.begin('job', 'job', TASK);
  const abort: Deed<Facts> = {
    what: 'somebody aborts it',
    act(next) {
      next.facts = { ...next.facts, abort: 'sent' };
      next.send('user', 'job', { type: 'task.abort', reason: 'interrupted', at, deadline: 2 });
    },
  };
  const kill: Deed<Facts> = {
    what: 'somebody kills it',
    act(next) {
      next.facts = { ...next.facts, kill: true };
      next.send('user', 'job', { type: 'task.kill', at });
    },
  };
  return exploreActors({
    stage,
    start: turn.world(),
    users: ({ facts }) => [...(facts.abort === 'none' ? [abort] : []), ...(facts.kill ? [] : [kill])],
    wrongWith({ facts: { ends }, living }) {
      if (ends.length > 1) return `It ended more than once (${ends.join('; ')})`;
      if (ends.some((end) => end.endsWith('accepted') !== end.startsWith('aborted'))) return `It ended ${ends[0]}`;
      return living.size === 0 && ends.length === 0 ? 'It is over and never ended' : null;
    },
    isOver: ({ living }) => living.size === 0,
  });
}

describe('every interleaving of a task, its work, its hook, its timers, an abort and a kill', () => {
  it.each([
    ['that does anything, delivered as XState does', wildWork, true, [78, 461, 10]],
    ['that does anything, each delivery a choice', wildWork, false, [15_784, 89_562, 29]],
    ['that does nothing, delivered as XState does', deafWork, true, [10, 17, 2]],
    ['that does nothing, each delivery a choice', deafWork, false, [136, 438, 3]],
  ])('ends once, and as aborted if and only if it was aborted, with a work %s', (name, work, atOnce, golden) => {
    const { states, transitions, over, wrong } = enumerate(work, atOnce);
    console.log(`a task with a work ${name}: ${states} states, ${transitions} transitions, ${over} ends`);
    expect([wrong, states, transitions, over]).toEqual([null, ...golden]);
  });

  /** The lifecycle, with something else to do while it is aborting. */
  const planted = (on: object): AnyStateMachine => {
    const { states, ...config } = job.config;
    const aborting = { ...states?.aborting, on: { ...states?.aborting?.on, ...on } };
    return new StateMachine({ ...config, states: { ...states, aborting } } as never, job.implementations as never); // As `createMachine` makes it.
  };

  it.each([
    [
      'a result that comes after the abort',
      wildWork,
      planted({ 'work.done': { target: 'completed', actions: 'conclude' } }),
      ['It ended completed, accepted, after 2 steps:', '  1. somebody aborts it', '  2. job>work says work.done'],
    ],
    [
      'an abort that waits for ever for a work that says nothing',
      deafWork,
      planted({ 'deadline.passed': undefined, 'task.kill': undefined }),
      [
        'Nothing can happen any more, after 3 steps:',
        '  1. somebody aborts it',
        '  2. job>acknowledge-by passes',
        '  3. somebody kills it',
      ],
    ],
  ])('would tell, by a shortest trace, of %s', (_, work, chart, wrong) => {
    expect(enumerate(work, true, chart).wrong?.split('\n')).toEqual(wrong);
  });
});

import { describe, expect, it } from 'vitest';
import { type AnyEventObject, type AnyStateMachine, StateMachine } from 'xstate';
import { definedWork } from '../../machines/defined-work.machine.ts';
import { provided } from '../../machines/logic.ts';
import type { SessionMachineContext } from '../../machines/session-setup.ts';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { type Leaf, turnIn, type World } from './actors.ts';
import { type Deed, exploreActors } from './explore-actors.ts';
import { at, end, type LeafState, scripted } from './leaves.ts';
import { delegateInput, NOTHING_YET, orderOf, sessionInput, type TreeFacts, treeStage } from './tree.ts';

const ROOT = 'session';

/** Something that people do once, if they do it at all. */
function once(what: string, event: (world: World<TreeFacts>) => AnyEventObject): Deed<TreeFacts> {
  return {
    what,
    act(turn) {
      turn.facts = { ...turn.facts, done: [...turn.facts.done, what].toSorted() };
      turn.send('people', ROOT, event(turn.world()));
    },
  };
}

type Scope = Readonly<{
  stage: ReturnType<typeof treeStage>;
  first: ReturnType<typeof orderOf>;
  deeds: readonly Deed<TreeFacts>[];
  answers?: readonly string[];
}>;

function enumerate({ stage, first, deeds, answers = [] }: Scope) {
  const turn = turnIn<TreeFacts>(stage, { living: new Map(), mail: [], facts: NOTHING_YET });
  turn.begin(ROOT, 'session', sessionInput('s1'));
  turn.send('people', ROOT, { type: 'op.start', order: first, at });
  return exploreActors({
    stage,
    start: turn.world(),
    users: ({ facts }) => [
      ...deeds.filter(({ what }) => !facts.done.includes(what)),
      ...facts.open.flatMap((requestId) =>
        answers.map((decision) => ({
          what: `people say ${decision} to the request ${requestId}`,
          act: (next: ReturnType<typeof turnIn<TreeFacts>>) => {
            next.facts = { ...next.facts, open: next.facts.open.filter((id) => id !== requestId) };
            next.send('people', ROOT, { type: 'op.answer', requestId, decision, by: 'client' });
          },
        })),
      ),
    ],
    wrongWith: (world) => world.facts.wrong ?? (isAtRest(world) ? wrongAtRest(world) : null),
    isOver: isAtRest,
  });
}

/** Nothing runs, and nothing is on its way. */
function isAtRest({ living, mail }: World<TreeFacts>): boolean {
  const root = living.get(ROOT);
  if (root === undefined) return mail.length === 0;
  return (
    mail.length === 0 && living.size === 1 && 'snapshot' in root && Object(root.snapshot.value).activity === 'idle'
  );
}

function wrongAtRest({ living, facts }: World<TreeFacts>): string | null {
  const running = Object.entries(facts.tasks).find(([, { status }]) => status === 'runs' || status === 'aborts');
  if (running !== undefined) return `Nothing runs, and ${running[0]} has no terminal`;
  const open = Object.entries(facts.requests).find(([, { status }]) => status !== 'ended');
  if (open !== undefined || facts.open.length > 0) return `Nothing runs, and the request ${open?.[0]} is open`;
  const root = living.get(ROOT);
  if (root === undefined || !('snapshot' in root)) return null;
  const { requests, own, queue, unreleased }: SessionMachineContext = root.snapshot.context;
  const left = [...requests, ...own, ...queue, ...unreleased];
  return left.length === 0 ? null : `Nothing runs, and the session still knows ${JSON.stringify(left)}`;
}

function report(name: string, { states, transitions, over }: ReturnType<typeof enumerate>, startedMs: number) {
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`${name}: ${states} states, ${transitions} transitions, ${over} ends, ${seconds} s`);
}

describe('every interleaving of a session with two tasks, one in the place of the other, an abort, a crash and a close', () => {
  /** A work as the charts of works are, in one: it stops when it is told to, or not before it is killed. */
  const work: Leaf = {
    ...scripted((state) => [
      { what: 'completes', state, ends: output(state, 'completed') },
      { what: 'crashes', state, ends: { error: new Error('It broke.') } },
    ]),
  };
  const output = (_: LeafState, kind: string) => ({
    output: { end: kind, answer: null, data: null, at, report: NOTHING_TO_REPORT },
  });
  const deeds = [
    once('people start b in the place of a', () => ({
      type: 'op.start',
      order: orderOf('b', 'job', { whenBusy: 'replace' }),
      at,
    })),
    once('people abort a', () => ({ type: 'op.abort', taskId: 'a', reason: 'interrupted', at, deadline: at })),
    once('people close the session', () => ({ type: 'op.close', at, deadline: at })),
  ];

  it.each([
    ['delivered as XState does', true, [181, 535, 15]],
    ['each delivery a choice', false, [10_485, 45_202, 15]],
  ])('keeps every law: %s', (name, atOnce, golden) => {
    const startedMs = performance.now();
    const stage = treeStage({ job: { work } }, () => undefined, atOnce);
    const found = enumerate({ stage, first: orderOf('a', 'job'), deeds });
    report(`a session with two tasks, ${name}`, found, startedMs);
    expect([found.wrong, found.states, found.transitions, found.over]).toEqual([null, ...golden]);
  });
});

describe('every interleaving of three sessions in a tree, whose two calls ask, with answers, an abort, a replacement and a crash', () => {
  const body = (sessions: readonly string[]) =>
    scripted(
      (state) => {
        const next = sessions[state.step];
        if (next !== undefined) {
          const input = delegateInput(next, sessionInput('s1').path, 'helper');
          const opens = { what: `opens ${next}`, state: { ...state, step: state.step + 1 } };
          return [{ ...opens, says: [{ type: 'delegate.open', input }] }];
        }
        const returns = { what: 'returns', state, ends: end(state, { answer: null, data: null }) };
        return state.heard.length === sessions.length ? [returns] : [];
      },
      ['delivered'],
    );
  const sample = (isFirst: boolean) =>
    scripted((state) => {
      const call = { callId: 'call', name: 'shell', arguments: '{}', parallel: false };
      const said = { status: 'completed', answer: null, calls: isFirst ? [call] : [], more: false };
      const failed = { status: 'failed', error: { code: 'model-error', message: 'No.', retryable: false } };
      return [
        { what: isFirst ? 'calls a tool' : 'answers', state, ends: end(state, said) },
        { what: 'fails', state, ends: end(state, failed) },
      ];
    });
  const check = scripted((state) => [{ what: 'says that people are to decide', state, ends: end(state, 'ask') }]);
  const ask = scripted(
    (state) => {
      if (state.step === 0) return [{ what: 'asks', state: { ...state, step: 1 }, announces: 'ask' }];
      const [answer] = state.heard;
      if (answer === undefined) return [];
      return [{ what: `goes on, ${answer}`, state, ends: end(state, answer === 'approved' ? 'run' : 'settled') }];
    },
    ['resolved'],
  );
  const execute = scripted((state) => [{ what: 'has run', state, ends: end(state, true) }]);

  /** Task `a` opens these sub-sessions; in each of them a model calls one tool, which asks first. */
  const enumerateTree = (sessions: readonly string[], opener: 'defined' | AnyStateMachine = 'defined') => {
    const kinds = { opener: { work: opener }, helper: { work: 'regular' }, other: { work: 'defined' } } as const;
    const leaves = (role: string, input: unknown) => {
      if (role === 'sample') return sample(!(input as { continues: boolean }).continues); // Of each request to a model.
      if (role === 'body') return body((input as { task: { kind: string } }).task.kind === 'opener' ? sessions : []); // Of each function.
      return { check, ask, execute }[role];
    };
    const replace = once('people start b in the place of a', () => ({
      type: 'op.start',
      order: orderOf('b', 'other', { whenBusy: 'replace' }),
      at,
    }));
    const abort = once('people abort a', () => ({
      type: 'op.abort',
      taskId: 'a',
      reason: 'interrupted',
      at,
      deadline: at,
    }));
    const stage = treeStage(kinds, leaves, true);
    return enumerate({
      stage,
      first: orderOf('a', 'opener'),
      answers: ['approved', 'abort'],
      deeds: [replace, abort],
    });
  };

  it.each([
    ['two sessions and one request', ['s2'], [1_445, 6_577, 19]],
    ['three sessions and two requests', ['s2', 's3'], [114_275, 792_862, 117]],
  ])('keeps every law: %s', { timeout: 300_000 }, (name, sessions, golden) => {
    const startedMs = performance.now();
    const found = enumerateTree(sessions);
    report(`a tree of ${name}`, found, startedMs);
    expect([found.wrong, found.states, found.transitions, found.over]).toEqual([null, ...golden]);
  });

  it('would tell, by a shortest trace, of a work that does not wait for its sub-sessions', () => {
    const { states, ...config } = definedWork.config;
    const running = { ...states?.running, on: { ...states?.running?.on, 'work.cancel': 'over' } };
    const hasty: AnyStateMachine = new StateMachine(
      { ...config, states: { ...states, running } } as never, // As `createMachine` makes it.
      definedWork.provide({ actors: { delegate: provided<never>() } }).implementations as never, // Likewise.
    );
    expect(enumerateTree(['s2'], hasty).wrong?.split('\n')).toEqual([
      'a ends before helper in s2 below it, after 3 steps:',
      '  1. session>opener/foreground>work>body opens s2',
      '  2. people start b in the place of a',
      '  3. session>opener/foreground>cleanup ends',
    ]);
  });
});

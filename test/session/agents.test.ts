import { describe, expect, it } from 'vitest';
import type { HistoryEntry, SessionEvent } from '../../src/index.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { next, nextOf, rig } from './rig.ts';

type Lanes = Readonly<Record<string, readonly ScriptEntry[]>>;
type Options = Parameters<typeof rig>[0];

/** The lane of a request is the first word that its session was told. */
function tree(lanes: Lanes, options: Options = {}) {
  const pick = ({ history }: ModelRequest) => textOf(history[0]).split(' ')[0] ?? '';
  return rig({ script: { lanes, pick }, ...options });
}

function textOf(entry: HistoryEntry | undefined): string {
  if (entry?.type !== 'message') return '';
  if (entry.role === 'assistant') return entry.text;
  return entry.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

const spawn = (message: string, more: object = {}) => ({
  name: 'spawn_agent',
  arguments: { message, ...more },
});
const wait = (more: object = {}) => ({ name: 'wait_agent', arguments: more });
const endsOf = (events: readonly SessionEvent[], kind: string) =>
  events.flatMap((event) =>
    (event.type === 'task.completed' || event.type === 'task.failed' || event.type === 'task.aborted') &&
    event.kind === kind &&
    event.path.length === 1
      ? [event.type]
      : [],
  );
const isCallOf = (event: SessionEvent, name: string) =>
  event.type === 'item.started' && event.item.type === 'tool_call' && event.item.name === name;
/** The texts that the model of a lane's last request was shown from users. */
const userTexts = ({ history }: ModelRequest) =>
  history.filter((entry) => entry.type === 'message' && entry.role === 'user').map(textOf);
const outputs = ({ history }: ModelRequest) =>
  history.flatMap((entry) => (entry.type === 'output' ? [JSON.parse(entry.output)] : []));

describe('an agent', () => {
  it('works beside the task that started it, and a wait gives what it answered', async () => {
    const waits = Promise.withResolvers<void>();
    const { session, model, events } = tree({
      root: [{ call: spawn('look at a.ts') }, { call: wait() }, { say: 'done' }],
      look: [{ waitFor: waits.promise, say: 'a.ts is fine' }],
    });
    session.events$.subscribe((event) => {
      if (isCallOf(event, 'wait_agent')) waits.resolve();
    });
    const outcome = await session.run('root').outcome;
    model.verify();
    const { sessionId } = events.find((event) => event.path.length === 2) ?? {};
    const view = { agent: 'worker-1', role: 'worker', status: 'completed', sessionId, result: 'a.ts is fine' };
    const last = model.requests.at(-1);
    expect([outcome.status, last && outputs(last)]).toEqual([
      'completed',
      [
        { agent: 'worker-1', status: expect.stringMatching(/^(queued|running)$/) },
        { agents: [view], timed_out: false },
      ],
    ]);
    expect([endsOf(events, 'agent'), last && userTexts(last)]).toEqual([['task.completed'], ['root']]);
    await session.close();
  });

  it('is awaited by a task whose model has nothing more to say, which then goes on with its result', async () => {
    const { session, model } = tree({
      root: [{ call: spawn('look') }, { say: 'I wait.' }, { say: 'It said: fine.' }],
      look: [{ say: 'fine' }],
    });
    const outcome = await session.run('root').outcome;
    model.verify();
    expect(outcome).toEqual(expect.objectContaining({ status: 'completed', answer: 'It said: fine.' }));
    expect(userTexts(model.requests.at(-1) as ModelRequest)).toEqual([
      'root',
      '<agent_ended agent="worker-1" status="completed">\nfine\n</agent_ended>',
    ]);
    await session.close();
  });

  it('is told of once: a wait for it takes the place of the word that was on its way', async () => {
    const ended = Promise.withResolvers<void>();
    const { session, model } = tree({
      root: [
        { call: spawn('look') },
        { waitFor: ended.promise, call: wait({ targets: ['worker-1'] }) },
        { say: 'done' },
      ],
      look: [{ say: 'fine' }],
    });
    session.events$.subscribe((event) => {
      if (event.type === 'task.completed' && event.kind === 'agent') ended.resolve();
    });
    await session.run('root').outcome;
    model.verify();
    const last = model.requests.at(-1) as ModelRequest;
    expect([userTexts(last), outputs(last)[1].agents[0].result]).toEqual([['root'], 'fine']);
    await session.close();
  });

  it('is told of in a message although another was waited for', async () => {
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { session, model } = tree({
      root: [{ call: [spawn('one'), spawn('two')] }, { call: wait({ targets: ['worker-2'] }) }, { say: 'done' }],
      one: [{ waitFor: first.promise, say: 'of one' }],
      two: [{ waitFor: second.promise, say: 'of two' }],
    });
    session.events$.subscribe((event) => {
      if (isCallOf(event, 'wait_agent')) first.resolve();
      if (event.type === 'task.completed' && event.kind === 'agent') second.resolve();
    });
    await session.run('root').outcome;
    model.verify();
    const last = model.requests.at(-1) as ModelRequest;
    expect([userTexts(last), outputs(last)[2].agents.map(({ result }: { result: string }) => result)]).toEqual([
      ['root', '<agent_ended agent="worker-1" status="completed">\nof one\n</agent_ended>'],
      ['of two'],
    ]);
    await session.close();
  });

  it('may be left to itself: its result wakes the session', async () => {
    const told = Promise.withResolvers<void>();
    const { session, model } = tree(
      {
        root: [{ call: spawn('look') }, { say: 'later' }, { say: 'it is fine' }],
        look: [{ waitFor: told.promise, say: 'fine' }],
      },
      { agents: { whenTaskEnds: 'detach' } },
    );
    const outcome = await session.run('root').outcome;
    expect(outcome).toEqual(expect.objectContaining({ status: 'completed', answer: 'later' }));
    const woken = nextOf(session, 'step.completed');
    told.resolve();
    await woken;
    await nextOf(session, 'task.completed');
    model.verify();
    expect(userTexts(model.requests.at(-1) as ModelRequest).at(-1)).toContain('<agent_ended agent="worker-1"');
    await session.close();
  });

  it('may be stopped with the task: then the model is not asked again', async () => {
    const { session, model, events } = tree(
      { root: [{ call: spawn('look') }, { say: 'enough' }], look: [{ hang: true }] },
      { agents: { whenTaskEnds: 'cancel' } },
    );
    const outcome = await session.run('root').outcome;
    model.verify();
    expect([outcome.status, endsOf(events, 'agent')]).toEqual(['completed', ['task.aborted']]);
    await session.close();
  });

  it('is stopped when the task that started it is aborted, and what it found is not told', async () => {
    const { session, events } = tree({
      root: [{ call: spawn('look') }, { hang: true }, { say: 'hello' }],
      look: [{ hang: true }],
    });
    const task = session.run('root');
    await next(session, (event) => event.type === 'step.started' && event.path.length === 2);
    const receipt = await task.abort();
    expect([receipt.outcome, receipt.sessions.length, endsOf(events, 'agent'), endsOf(events, 'regular')]).toEqual([
      'aborted',
      1,
      ['task.aborted'],
      ['task.aborted'],
    ]);
    expect([session.waitingOn(), session.children(), session.entries().map(textOf).join()]).toEqual([
      [],
      [],
      expect.not.stringContaining('agent_ended'),
    ]);
    await session.close();
  });

  it('goes on with what it knew when it is told more', async () => {
    const { session, model } = tree({
      root: [
        { call: spawn('look first') },
        { call: wait() },
        { call: { name: 'send_input', arguments: { target: 'worker-1', message: 'and now?' } } },
        { call: wait() },
        { say: 'done' },
      ],
      look: [{ say: 'one' }, { say: 'two' }],
    });
    await session.run('root').outcome;
    model.verify();
    const asked = model.requests.filter(({ history }) => textOf(history[0]).startsWith('look')).at(-1);
    expect(asked?.history.map(textOf)).toEqual(['look first', 'one', 'and now?']);
    await session.close();
  });

  it('begins with a copy of the conversation when it is asked to, without the calls that still run', async () => {
    const { session, model } = tree({
      root: [{ call: spawn('go', { fork_context: true }) }, { say: 'a' }, { say: 'b' }, { say: 'c' }],
    });
    await session.run('root').outcome;
    const forked = model.requests.find(({ history }) => history.length === 2 && textOf(history[1]) === 'go');
    expect(forked?.history.map(textOf)).toEqual(['root', 'go']);
    await session.close();
  });
});

describe('agents', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => spawn(`look ${at}`));

  it('wait for their turn when as many work as may, and begin in order', async () => {
    let most = 0;
    const order: string[] = [];
    const look: ScriptEntry = (request) => {
      order.push(textOf(request.history[0]));
      return { say: 'fine' };
    };
    const { session, model, events } = tree(
      {
        root: [{ call: many(5) }, { say: '.' }, { say: '.' }, { say: '.' }, { say: '.' }, { say: '.' }, { say: '.' }],
        look: [look, look, look, look, look],
      },
      { limits: { agentsMax: 2 } },
    );
    session.events$.subscribe((event) => {
      if (event.type === 'step.started') most = Math.max(most, session.children().length);
    });
    const outcome = await session.run('root').outcome;
    expect([outcome.status, most, order, endsOf(events, 'agent')]).toEqual([
      'completed',
      2,
      [0, 1, 2, 3, 4].map((at) => `look ${at}`),
      Array.from({ length: 5 }, () => 'task.completed'),
    ]);
    expect(model.complaints).toEqual([]);
    await session.close();
  });

  it('give their place away while they wait for agents of their own, so that depth never locks up', async () => {
    const { session, model } = tree(
      {
        root: [{ call: spawn('one') }, { call: wait() }, { say: 'root done' }],
        one: [{ call: spawn('two') }, { call: wait() }, { say: 'one done' }],
        two: [{ call: spawn('three') }, { say: 'two waits' }, { say: 'two done' }],
        three: [{ say: 'three done' }],
      },
      { limits: { agentsMax: 1 } },
    );
    const outcome = await session.run('root').outcome;
    expect(outcome).toEqual(expect.objectContaining({ status: 'completed', answer: 'root done' }));
    expect(model.complaints).toEqual([]);
    await session.close();
  });

  it('are refused in words: an unknown kind, one too deep, one too many, an unknown name, blank words', async () => {
    const { session, model } = tree(
      {
        root: [
          {
            call: [
              spawn('look', { agent_type: 'king' }),
              spawn('  '),
              { name: 'send_input', arguments: { target: 'bob', message: 'hi' } },
              { name: 'close_agent', arguments: { target: 'bob' } },
              wait({ targets: ['bob'] }),
              wait({ timeout_ms: 0 }),
            ],
          },
          { call: spawn('deep') },
          { call: wait() },
          { call: spawn('more') },
          { say: 'done' },
        ],
        deep: [(request) => ({ say: request.tools.map(({ name }) => name).join() })],
      },
      { limits: { depthMax: 1 }, budget: { spawns: 1 } },
    );
    await session.run('root').outcome;
    model.verify();
    const texts = (model.requests.at(-1) as ModelRequest).history.flatMap((entry) =>
      entry.type === 'output' ? [entry.output] : [],
    );
    expect(texts).toEqual([
      'Unknown kind of agent "king". There are: explorer, worker, reviewer.',
      expect.stringContaining('expected some words'),
      'Unknown agent "bob". Your agents: none.',
      'Unknown agent "bob". Your agents: none.',
      'Unknown agent "bob". Your agents: none.',
      expect.stringContaining('timeout_ms'),
      expect.stringContaining('worker-1'),
      expect.stringContaining('"result":"shell,apply_patch,update_plan"'),
      'Expected at most 1 sub-sessions in all, got one more. Raise budget.spawns. Do the work yourself.',
    ]);
    await session.close();
  });

  it('have what their role gives, and no more than their parent', async () => {
    const seen: unknown[] = [];
    const note: ScriptEntry = (request) => {
      seen.push([request.tools.map(({ name }) => name).join(), request.instructions?.slice(0, 27)]);
      return { say: 'ok' };
    };
    const { session, events } = tree(
      {
        root: [
          { call: [spawn('a', { agent_type: 'explorer' }), spawn('b', { agent_type: 'cook' })] },
          { say: '.' },
          { say: '.' },
          { say: '.' },
        ],
        a: [note],
        b: [note],
      },
      {
        sandbox: 'workspace-write',
        agents: { roles: { cook: { description: 'cooks', tools: ['update_plan'], sandbox: 'danger-full-access' } } },
      },
    );
    await session.run('root').outcome;
    const sandboxes = events.flatMap((event) =>
      event.type === 'task.started' && event.path.length === 2 ? [[event.path[1]?.kind, event.context.sandbox]] : [],
    );
    expect([seen, sandboxes.sort()]).toEqual([
      [
        ['shell,update_plan', 'You are an agent that finds'],
        ['update_plan', 'You are a coding agent. You'],
      ],
      [
        ['cook', 'workspace-write'],
        ['explorer', 'read-only'],
      ],
    ]);
    await session.close();
  });

  it('that use up the budget of their role are stopped, and nobody else is', async () => {
    const { session, model } = tree(
      {
        root: [
          { call: [spawn('a', { agent_type: 'thrifty' }), spawn('b')] },
          { say: '.' },
          { say: '.' },
          { say: 'done' },
        ],
        a: [{ call: { name: 'update_plan', arguments: { plan: [] } } }, { say: 'never' }],
        b: [{ call: { name: 'update_plan', arguments: { plan: [] } } }, { say: 'b is done' }],
      },
      { agents: { roles: { thrifty: { description: 'cheap', budget: { tokens: 100 } } } } },
    );
    const outcome = await session.run('root').outcome;
    const told = userTexts(model.requests.at(-1) as ModelRequest)
      .slice(1)
      .sort();
    expect([outcome.status, told]).toEqual([
      'completed',
      [
        '<agent_ended agent="thrifty-1" status="failed">\nThe sub-session was stopped (budget).\n</agent_ended>',
        '<agent_ended agent="worker-1" status="completed">\nb is done\n</agent_ended>',
      ],
    ]);
    await session.close();
  });

  it('let a person break in: a wait returns, and the next request has what was said', async () => {
    const { session, model } = tree({
      root: [
        { call: spawn('look') },
        { call: wait() },
        { call: { name: 'close_agent', arguments: { target: 'worker-1' } } },
        { say: 'done' },
      ],
      look: [{ hang: true }],
    });
    const task = session.run('root');
    await Promise.all([
      next(session, (event) => isCallOf(event, 'wait_agent')),
      next(session, (event) => event.type === 'step.started' && event.path.length === 2),
    ]);
    task.steer('hurry up');
    await task.outcome;
    model.verify();
    const texts = outputs(model.requests.at(-1) as ModelRequest);
    expect([texts[1], texts[2], userTexts(model.requests.at(-2) as ModelRequest)]).toEqual([
      { agents: [], timed_out: false, interrupted: 'wait interrupted by new input' },
      { previous_status: 'running' },
      ['root', 'hurry up'],
    ]);
    await session.close();
  });

  it('are stopped by close_agent, which answers within the bound, whatever they do', async () => {
    const stubborn = {
      name: 'stubborn',
      description: 'Never returns.',
      parameters: { type: 'object' },
      parallel: false,
      parse: async () => ({ ok: true as const, input: {} }),
      present: (_: unknown, { callId }: { callId: string }) =>
        ({ type: 'tool_call', callId, name: 'stubborn', arguments: {}, output: '', status: 'in_progress' }) as const,
      check: async () => ({ verdict: 'allow' as const }),
      execute: () => new Promise<never>(() => {}),
    };
    const starts = Promise.withResolvers<void>();
    const { session, model, events } = tree(
      {
        root: [
          { call: spawn('look') },
          { waitFor: starts.promise, call: { name: 'close_agent', arguments: { target: 'worker-1' } } },
          { call: { name: 'list_agents', arguments: {} } },
          { say: 'done' },
        ],
        look: [{ call: { name: 'stubborn', arguments: {} } }],
      },
      { tools: [stubborn], limits: { graceMs: 20, killMs: 100 } },
    );
    session.events$.subscribe((event) => {
      if (isCallOf(event, 'stubborn')) starts.resolve();
    });
    await session.run('root').outcome;
    model.verify();
    const [, closed, listed] = outputs(model.requests.at(-1) as ModelRequest);
    expect([closed, listed, endsOf(events, 'agent')]).toEqual([
      { previous_status: 'running' },
      { agents: [] },
      ['task.aborted'],
    ]);
    await session.close();
  });

  it('that are detached are stopped by an interrupt and by a close, and wake nobody then', async () => {
    const { session, model, events } = tree(
      { root: [{ call: spawn('look') }, { say: 'later' }], look: [{ hang: true }] },
      { agents: { whenTaskEnds: 'detach' } },
    );
    await session.run('root').outcome;
    const receipt = await session.interrupt();
    await session.close();
    model.verify();
    expect([receipt.outcome, endsOf(events, 'agent'), endsOf(events, 'regular')]).toEqual([
      'aborted',
      ['task.aborted'],
      ['task.completed'],
    ]);
  });
});

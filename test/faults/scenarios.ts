import type { SessionEvent } from '../../src/index.ts';
import type { Decision, SessionRequest } from '../../src/protocol/requests.ts';
import type { ScriptCall, ScriptEntry } from '../../src/testing/script.ts';
import { type Stage, talk } from './stage.ts';

/** Something that is done to sessions, named as a person would. Nothing in it depends on what went wrong but what it is given. */
export type Scenario = Readonly<{
  name: string;
  play(stage: Stage): Promise<void>;
  /** What may be in the workspace in the end: each of it, and never something in between. */
  trees?: readonly Readonly<Record<string, string>>[];
}>;

const shell = (command: string, more: object = {}): ScriptCall => ({ name: 'shell', arguments: { command, ...more } });
const call = (name: string, argument: object): ScriptCall => ({ name, arguments: argument });
const patchOf = (...lines: readonly string[]) =>
  call('apply_patch', { input: ['*** Begin Patch', ...lines, '*** End Patch'].join('\n') });

/** Somebody who decides everything in the same way, in a moment. */
const people =
  ({ world }: Stage, decision: Decision) =>
  async (_: SessionRequest, { signal }: { signal: AbortSignal }) => {
    await world.clock.pass(30, 'a person to decide', signal);
    return decision;
  };

const BEFORE = { '/work/a.txt': 'one\ntwo\n', '/work/b.txt': 'three\n', '/work/c.txt': 'four\n' };
const SEVERAL = patchOf(
  '*** Update File: a.txt',
  '@@',
  ' one',
  '-two',
  '+2',
  '*** Add File: deep/er/new.txt',
  '+new',
  '*** Delete File: b.txt',
  '*** Update File: c.txt',
  '*** Move to: moved/d.txt',
  '@@',
  '-four',
  '+4',
);
const AFTER = { '/work/a.txt': 'one\n2\n', '/work/deep/er/new.txt': 'new\n', '/work/moved/d.txt': '4\n' };
const withFiles = ({ world }: Stage) => {
  for (const [path, text] of Object.entries(BEFORE)) world.files.put(path, text);
};
const command = ({ world }: Stage) => {
  world.command('ls', { output: ['a\n', 'b\n'] });
  world.command('make', { output: ['1 of 2\n', '2 of 2\n'], exitCode: 2 });
  world.command('slow', { output: ['a', 'b', 'c'], exitAfterMs: 400 });
  world.command('serve', { output: ['listening\n'], exitCode: null });
  world.command('tidy', { output: ['tidy\n'], exitCode: null, onTerm: { exitCode: 3 } });
  world.command('stubborn', { output: ['no\n'], exitCode: null, onTerm: 'ignored' });
};
const SCHEMA = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
const isSummary = (text: string) => text.includes('Write the notes');

/** A scenario of one session that is asked once. */
const once = (
  name: string,
  entries: readonly ScriptEntry[],
  more: (stage: Stage) => object = () => ({}),
): Scenario => ({
  name,
  async play(stage) {
    command(stage);
    const session = stage.open({ script: talk(...entries), ...more(stage) });
    await stage.done('the outcome', session.run('Do it.').outcome);
  },
});

/** A scenario of one session in which a task is aborted a moment after something was first told of it. */
const aborted = (
  name: string,
  type: SessionEvent['type'],
  entries: readonly ScriptEntry[],
  more: (stage: Stage) => object = () => ({}),
): Scenario => ({
  name,
  async play(stage) {
    command(stage);
    withFiles(stage);
    const session = stage.open({ script: talk(...entries), ...more(stage) });
    const task = session.run('Do it.');
    const listening = session.events$.subscribe((event) => {
      if (event.type !== type) return;
      listening.unsubscribe();
      const running = session.task(event.taskId ?? task.id);
      stage.after(12, () => stage.keep('the abort', Promise.resolve(running?.abort())));
    });
    const outcome = await stage.done('the outcome', task.outcome);
    if (outcome !== null) await stage.done('the next outcome', session.run('And now?').outcome);
  },
});

export const SCENARIOS: readonly Scenario[] = [
  once('an answer', [{ say: 'Yes.' }]),
  once('an answer in pieces, with reasons', [{ reason: 'Hm.', say: ['Y', 'e', 's', '.'] }]),
  once('two commands, one after the other', [{ call: shell('ls') }, { say: 'And', call: shell('make') }]),
  once('three commands at once', [{ call: [shell('ls'), shell('make'), shell('slow')] }]),
  once('a command that runs out of time', [{ call: shell('serve', { timeout_ms: 300 }) }]),
  once('a plan, then a command', [
    { call: call('update_plan', { plan: [{ step: 'look', status: 'in_progress' }] }) },
    { call: shell('ls') },
  ]),
  once('a call that is broken, and one of a tool that is unknown', [
    { call: [{ name: 'shell', arguments: '{broken' }, call('unknown', {})] },
  ]),
  once('a command that is approved', [{ call: shell('rm -rf build') }], (stage) => ({
    onRequest: people(stage, 'approved'),
    approvalPolicy: 'untrusted',
  })),
  once(
    'two commands that are approved for the session',
    [{ call: shell('ls x') }, { call: shell('ls x') }],
    (stage) => ({
      onRequest: people(stage, 'approved-for-session'),
      approvalPolicy: 'untrusted',
    }),
  ),
  once('a command that is denied', [{ call: shell('rm -rf build') }], (stage) => ({
    onRequest: people(stage, 'denied'),
    approvalPolicy: 'untrusted',
  })),
  {
    name: 'a request that nobody answers in time',
    async play(stage) {
      command(stage);
      const session = stage.open({
        script: talk({ call: shell('rm -rf build') }),
        approvalPolicy: 'untrusted',
        limits: { requestTimeoutMs: 400 },
      });
      session.requests$.subscribe(() => {});
      await stage.done('the outcome', session.run('Do it.').outcome);
    },
  },
  {
    name: 'a request that a client answers, twice',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('rm -rf build') }), approvalPolicy: 'untrusted' });
      session.requests$.subscribe(({ id }) => {
        stage.after(40, () => session.answer(id, 'approved'));
        stage.after(41, () => session.answer(id, 'denied'));
      });
      await stage.done('the outcome', session.run('Do it.').outcome);
    },
  },
  {
    name: 'a patch that adds a file',
    trees: [BEFORE, { ...BEFORE, '/work/new.txt': 'hello\n' }],
    async play(stage) {
      withFiles(stage);
      const session = stage.open({ script: talk({ call: patchOf('*** Add File: new.txt', '+hello') }) });
      await stage.done('the outcome', session.run('Write it.').outcome);
    },
  },
  {
    name: 'a patch of several files',
    trees: [BEFORE, AFTER],
    async play(stage) {
      withFiles(stage);
      const session = stage.open({ script: talk({ call: SEVERAL }) });
      await stage.done('the outcome', session.run('Write it.').outcome);
    },
  },
  {
    name: 'a patch that does not fit, and one that does',
    trees: [BEFORE, AFTER],
    async play(stage) {
      withFiles(stage);
      const wrong = patchOf('*** Add File: x.txt', '+x', '*** Update File: a.txt', '@@', '-nothing', '+2');
      const session = stage.open({ script: talk({ call: wrong }, { call: SEVERAL }) });
      await stage.done('the outcome', session.run('Write it.').outcome);
    },
  },
  { ...aborted('a patch that is aborted on the way', 'item.started', [{ call: SEVERAL }]), trees: [BEFORE, AFTER] },
  aborted('an abort before anything is said', 'task.started', [{ say: 'Yes.' }]),
  aborted('an abort while the model speaks', 'item.delta', [{ say: ['Half', ' of'], hang: true }]),
  aborted('an abort while a command runs', 'item.started', [{ call: shell('serve') }]),
  aborted('an abort of a command that heeds no TERM', 'item.started', [{ call: shell('stubborn') }]),
  aborted('an abort of a command that tidies up', 'item.delta', [{ call: shell('tidy') }]),
  aborted('an abort while it asks', 'request.opened', [{ call: shell('rm -rf build') }], () => ({
    approvalPolicy: 'untrusted',
    onRequest: () => new Promise<undefined>(() => {}),
  })),
  {
    name: 'one task in the place of another',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('slow') }) });
      stage.keep('the first outcome', session.run('First.').outcome);
      await stage.pass(500);
      await stage.done('the outcome', session.run('Second.', { whenBusy: 'replace' }).outcome);
    },
  },
  {
    name: 'three tasks in a queue',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('ls') }) });
      const tasks = ['one', 'two', 'three'].map((text) => session.run(text, { whenBusy: 'queue' }));
      for (const [at, task] of tasks.entries()) await stage.done(`outcome ${at}`, task.outcome);
    },
  },
  {
    name: 'something more is said while it works',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('slow') }) });
      const task = session.run('First.');
      await stage.pass(300);
      session.steer('And this.');
      await stage.done('the outcome', task.outcome);
      session.steer('And that.');
      await stage.pass(2_000);
    },
  },
  {
    name: 'an interrupt of what runs, and of what waits',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('slow') }) });
      const tasks = ['one', 'two'].map((text) => session.run(text, { whenBusy: 'queue' }));
      stage.keep('beside', session.start('beside', { takesMs: 5_000 }).outcome);
      await stage.pass(400);
      await stage.done('the interrupt', session.interrupt());
      for (const [at, task] of tasks.entries()) await stage.done(`outcome ${at}`, task.outcome);
    },
  },
  {
    name: 'a summary in the place of the history',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('ls') }) });
      await stage.done('the first outcome', session.run('Look.').outcome);
      await stage.done('the summary', session.compact().outcome);
      await stage.done('the outcome', session.run('Go on.').outcome);
    },
  },
  {
    name: 'a summary when the window is full',
    async play(stage) {
      command(stage);
      const model = stage.world.model({
        lanes: { own: talk({ call: shell('ls') }), summary: talk({ say: 'It was looked at.' }) },
        pick: ({ history }) => (isSummary(JSON.stringify(history.at(-1))) ? 'summary' : 'own'),
      });
      const session = stage.open({ model: { ...model, contextWindow: 115 } });
      await stage.done('the first outcome', session.run('Look.').outcome);
      await stage.done('the outcome', session.run('Go on.').outcome);
    },
  },
  {
    name: 'a review',
    async play(stage) {
      const session = stage.open({ script: talk({ say: '{"findings": []}' }) });
      await stage.done('the outcome', session.review({ type: 'custom', instructions: 'Look at it.' }).outcome);
    },
  },
  {
    name: 'a command of the user beside a task',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('slow') }) });
      const task = session.run('Look.');
      await stage.done('the command', session.shell('make').outcome);
      await stage.done('the outcome', task.outcome);
      await stage.done('the next outcome', session.run('What was it?').outcome);
    },
  },
  {
    name: 'a snapshot, and an undo of what was said',
    async play(stage) {
      const session = stage.open();
      await stage.done('the first outcome', session.run('One.').outcome);
      await stage.done('the snapshot', session.snapshot().outcome);
      await stage.done('the second outcome', session.run('Two.').outcome);
      await stage.done('the undo', session.undo({ what: 'conversation' }).outcome);
      await stage.done('the outcome', session.run('Three.').outcome);
    },
  },
  {
    name: 'a session that is closed and goes on',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('ls') }) });
      await stage.done('the first outcome', session.run('Look.').outcome);
      await stage.done('the first close', session.close());
      const again = await stage.resume(session.id, { script: talk({ call: shell('make') }) });
      if (again !== null) await stage.done('the outcome', again.run('Go on.').outcome);
    },
  },
  {
    name: 'a fork of a session that goes on by itself',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('ls') }) });
      await stage.done('the first outcome', session.run('Look.').outcome);
      const fork = await stage.fork(session.id, {}, { script: talk({ call: shell('make') }) });
      const task = session.run('Go on.');
      if (fork !== null) await stage.done('the outcome of the fork', fork.run('Go elsewhere.').outcome);
      await stage.done('the outcome', task.outcome);
    },
  },
  {
    name: 'a session that is a tool of another',
    async play(stage) {
      command(stage);
      const inner = stage.open({ script: talk({ call: shell('ls') }) });
      const outer = stage.open({
        script: talk({ call: call('look', { message: 'Look.' }) }),
        tools: [inner.asTool({ name: 'look', description: 'Looks.' })],
      });
      await stage.done('the outcome', outer.run('Have it looked at.').outcome);
    },
  },
  {
    name: 'an answer in a form, which has to be repaired',
    async play(stage) {
      const session = stage.open({ script: talk({ say: 'no JSON' }, { say: '{"n": 1}' }) });
      await stage.done('the outcome', session.run('Count.', { context: { outputSchema: SCHEMA } }).outcome);
    },
  },
  once('a budget that runs out', [{ call: shell('ls') }, { call: shell('make') }, { call: shell('ls') }], () => ({
    budget: { tokens: 250 },
  })),
  {
    name: 'agents that are started, told more, waited for and closed',
    async play(stage) {
      command(stage);
      const model = stage.world.model({
        lanes: {
          root: talk(
            { call: [call('spawn_agent', { message: 'Help.' }), call('spawn_agent', { message: 'Help too.' })] },
            { call: call('wait_agent', { timeout_ms: 10_000 }) },
            { call: call('list_agents', {}) },
          ),
          agent: talk({ call: shell('ls') }),
        },
        pick: ({ history }) =>
          JSON.stringify(history).includes('Help') && !JSON.stringify(history).includes('Have it done')
            ? 'agent'
            : 'root',
      });
      const session = stage.open({ model });
      await stage.done('the outcome', session.run('Have it done.').outcome);
    },
  },
  {
    name: 'sub-sessions three deep',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('ls') }) });
      await stage.done('the outcome', session.start('nested', { depth: 2 }).outcome);
    },
  },
  {
    name: 'sub-sessions that ask at the root',
    async play(stage) {
      const session = stage.open({
        onRequest: people(stage, { decision: 'answered', answers: { q: ['Yes.'] } }),
      });
      await stage.done('the outcome', session.start('nested', { depth: 1, asks: true }).outcome);
    },
  },
  {
    name: 'two sub-sessions at once, aborted in the middle',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: shell('slow') }, { call: shell('slow') }) });
      const task = session.start('pair', {});
      stage.after(700, () => stage.keep('the abort', task.abort()));
      await stage.done('the outcome', task.outcome);
    },
  },
  {
    name: 'a close while it is busy',
    async play(stage) {
      command(stage);
      const session = stage.open({ script: talk({ call: [shell('serve'), shell('slow')] }) });
      stage.keep('the outcome', session.run('Look.').outcome);
      stage.keep('the queued outcome', session.run('Then this.', { whenBusy: 'queue' }).outcome);
      stage.keep('beside', session.start('beside', { takesMs: 5_000 }).outcome);
      await stage.pass(800);
      await stage.done('the close', session.close());
    },
  },
  {
    name: 'two sessions at once',
    async play(stage) {
      command(stage);
      const [one, other] = [
        stage.open({ script: talk({ call: shell('ls') }) }),
        stage.open({ script: talk({ call: shell('make') }) }),
      ];
      stage.keep('the outcome of the one', one.run('Look.').outcome);
      await stage.done('the outcome of the other', other.run('Make.').outcome);
    },
  },
  ...(['responses', 'chat'] as const).map(
    (wireApi): Scenario => ({
      name: `a command and an answer over a wire (${wireApi})`,
      async play(stage) {
        command(stage);
        const session = stage.open({
          model: stage.wired(talk({ call: shell('ls') }, { reason: 'Hm.', say: ['It ', 'is.'] }), wireApi),
        });
        await stage.done('the outcome', session.run('Look.').outcome);
      },
    }),
  ),
  {
    name: 'an abort while a wire is read',
    async play(stage) {
      const session = stage.open({ model: stage.wired(talk({ say: ['Half', ' of'], hang: true }), 'responses') });
      const task = session.run('Say it.');
      stage.after(600, () => stage.keep('the abort', task.abort()));
      const outcome = await stage.done('the outcome', task.outcome);
      if (outcome !== null) await stage.done('the next outcome', session.run('And now?').outcome);
    },
  },
];

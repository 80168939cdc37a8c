import { beforeAll, describe, expect, it } from 'vitest';
import { encodeRecord, type LogRecord } from '../../src/rollout/record.ts';
import { RULES, verifyLog } from '../../src/rollout/verify/verify.ts';
import { nextOf, rig } from '../session/rig.ts';

type Records = LogRecord[];
type Body = Record<string, unknown>;

const bodyOf = ({ payload }: LogRecord) => payload as Body;
const withBody = (record: LogRecord, more: Body): LogRecord => ({ ...record, payload: { ...bodyOf(record), ...more } });
const encoded = (records: Records) => Buffer.concat(records.map(encodeRecord));
/** The numbers as they should be: most changes are wrong in another way than by these. */
const renumbered = (records: Records): Records => records.map((record, seq) => ({ ...record, seq }));

const plan = { name: 'update_plan', arguments: { plan: [] } };
let log: Records;

/** A log with steps, calls in parallel, a request, an abort, a steer, a compaction, a sub-session, and a close. */
beforeAll(async () => {
  const { session, log: store } = rig({
    script: [
      { say: 'Two plans.', call: [plan, plan] },
      {
        call: {
          name: 'shell',
          arguments: { command: 'rm -rf x', with_escalated_permissions: true, justification: 'j' },
        },
      },
      { say: 'notes' },
      { call: { name: 'spawn_agent', arguments: { message: 'look' } } },
      { say: 'fine' },
      { say: 'fine' },
      { say: 'fine' },
    ],
    onRequest: () => undefined,
  });
  const task = session.run('first');
  await nextOf(session, 'request.opened');
  session.steer('more');
  await task.abort();
  await session.compact().outcome;
  await session.run('second').outcome;
  await session.close();
  log = [...store.read(session.id)];
});

const at = (type: string, n = 0): number => {
  const found = log.flatMap((record, index) => (record.type === type ? [index] : []))[n];
  if (found === undefined) throw new Error(`Expected ${n + 1} records of type ${type}, got fewer.`);
  return found;
};
const changed = (index: number, more: Body): Records =>
  log.map((one, place) => (place === index ? withBody(one, more) : one));
const without = (index: number): Records => renumbered(log.toSpliced(index, 1));
const twice = (index: number): Records => renumbered(log.toSpliced(index + 1, 0, log[index] as LogRecord));
const moved = (from: number, to: number): Records => {
  const rest = log.toSpliced(from, 1);
  return renumbered(rest.toSpliced(to, 0, log[from] as LogRecord));
};
const inserted = (index: number, body: Body): Records => {
  const record = { ...(log[index] as LogRecord), type: String(body.type), payload: body };
  return renumbered(log.toSpliced(index, 0, record));
};
const taskIdAt = (index: number) => bodyOf(log[index] as LogRecord).taskId as string;
const itemAt = (index: number) => bodyOf(log[index] as LogRecord).item as Body;
/** The first completed item of a call, whose record has its output. */
const outputAt = (n: number): number => {
  const found = log.flatMap((record, index) =>
    JSON.stringify(bodyOf(record).history ?? '').includes('"type":"output"') ? [index] : [],
  )[n];
  if (found === undefined) throw new Error('Expected an output.');
  return found;
};
const withEntries = (index: number, entries: readonly Body[]): Records =>
  changed(index, { history: { op: 'append', entries } });
const entriesAt = (index: number) => (bodyOf(log[index] as LogRecord).history as { entries: Body[] }).entries;
const callsAt = (): number =>
  log.findIndex((record) => JSON.stringify(bodyOf(record).history ?? '').includes('"type":"call"'));

const MUTATIONS: readonly [string, string, () => Records | Buffer][] = [
  ['a record is left out', 'numbers', () => log.toSpliced(5, 1)],
  ['the first is left out', 'numbers', () => log.slice(1)],
  ['numbers begin at one', 'numbers', () => log.map((one) => ({ ...one, seq: one.seq + 1 }))],
  [
    'a number is left out at the end',
    'numbers',
    () => log.map((one, index) => (index === log.length - 1 ? { ...one, seq: one.seq + 1 } : one)),
  ],
  ['the epoch begins at one', 'epochs', () => log.map((one) => ({ ...one, epoch: 1 }))],
  ['the epoch grows by itself', 'epochs', () => log.map((one, index) => ({ ...one, epoch: index > 8 ? 1 : 0 }))],
  [
    'the epoch falls',
    'epochs',
    () => [
      ...log,
      {
        ...(log.at(-1) as LogRecord),
        seq: log.length,
        type: 'session.resumed',
        epoch: 0,
        payload: { type: 'session.resumed', damage: [] },
      },
    ],
  ],
  [
    'a resume skips an epoch',
    'epochs',
    () => [
      ...log,
      {
        ...(log.at(-1) as LogRecord),
        seq: log.length,
        type: 'session.resumed',
        epoch: 2,
        payload: { type: 'session.resumed', damage: [] },
      },
    ],
  ],
  ['it does not begin with its opening', 'opening', () => without(0)],
  ['it is opened twice', 'opening', () => twice(0)],
  ['it is opened later again', 'opening', () => inserted(6, { type: 'session.opened', kind: 'root' })],
  [
    'a record follows the close',
    'closing',
    () => [
      ...log,
      {
        ...(log.at(-1) as LogRecord),
        seq: log.length,
        type: 'warning.raised',
        payload: { type: 'warning.raised', code: 'x', message: 'x' },
      },
    ],
  ],
  ['it is closed twice', 'closing', () => twice(log.length - 1)],
  ['it is closed in the middle', 'closing', () => moved(log.length - 1, 7)],
  [
    'the type of a record is of another',
    'payload',
    () => log.map((one, index) => (index === at('step.started') ? { ...one, type: 'step.completed' } : one)),
  ],
  [
    'a payload has no type',
    'payload',
    () => log.map((one, index) => (index === 4 ? { ...one, payload: { x: 1 } } : one)),
  ],
  ['a payload is null', 'payload', () => log.map((one, index) => (index === 4 ? { ...one, payload: null } : one))],
  ['the total of tokens falls', 'usage', () => changed(at('usage.updated', 1), { total: { totalTokens: 1 } })],
  ['a use is not counted', 'usage', () => changed(at('usage.updated'), { total: { totalTokens: 109 } })],
  ['an input is queued twice', 'inputs', () => twice(at('input.queued'))],
  [
    'an input is taken by two messages',
    'inputs',
    () => changed(at('item.completed'), { item: { ...itemAt(at('item.completed')), inputId: 'nobody' } }),
  ],
  [
    'a history is replaced by fewer entries than is said',
    'replacement',
    () => changed(at('history.replaced'), { history: { op: 'replace', entries: [] } }),
  ],
  ['a history is replaced by nothing', 'replacement', () => changed(at('history.replaced'), { history: null })],
  [
    'a history is appended to in the place of being replaced',
    'replacement',
    () => changed(at('history.replaced'), { history: { op: 'append', entries: [] } }),
  ],
  ['a compaction is complete without it', 'replacement', () => without(at('history.replaced'))],
  ['a task starts twice', 'task-starts', () => twice(at('task.started'))],
  [
    'a task starts under the name of an earlier one',
    'task-starts',
    () => changed(at('task.started', 1), { taskId: taskIdAt(at('task.started')) }),
  ],
  ['a task starts without a name', 'task-starts', () => changed(at('task.started'), { taskId: null })],
  ['a task has no start', 'task-ends', () => without(at('task.started'))],
  ['a task ends twice', 'task-ends', () => twice(at('task.aborted'))],
  [
    'a task ends in two ways',
    'task-ends',
    () =>
      inserted(at('task.aborted') + 1, {
        type: 'task.completed',
        taskId: taskIdAt(at('task.aborted')),
        kind: 'regular',
        answer: null,
        data: {},
        usage: {},
      }),
  ],
  [
    'something is told after the end',
    'task-ends',
    () =>
      inserted(at('task.aborted') + 1, {
        type: 'warning.raised',
        taskId: taskIdAt(at('task.aborted')),
        code: 'x',
        message: 'x',
      }),
  ],
  ['something is told before the start', 'task-ends', () => moved(at('step.started'), 1)],
  ['a task starts while another runs', 'foreground', () => moved(at('task.started', 1), at('task.aborted'))],
  ['a task is told to stop twice', 'aborts', () => twice(at('task.aborting'))],
  ['a task aborts without having been told to', 'aborts', () => without(at('task.aborting'))],
  [
    'a task aborts for another reason than it was told',
    'aborts',
    () => changed(at('task.aborting'), { reason: 'replaced' }),
  ],
  [
    'a task that was told to stop fails',
    'aborts',
    () => inserted(at('task.aborted'), { type: 'task.failed', taskId: taskIdAt(at('task.aborted')) }),
  ],
  ['a receipt is of another end', 'aborts', () => changed(at('task.aborted'), { receipt: { outcome: 'not-running' } })],
  ['a receipt has another reason', 'aborts', () => changed(at('task.aborted'), { reason: 'budget' })],
  ['a step is left out', 'steps', () => changed(at('step.started', 1), { step: 3 })],
  ['steps begin at nought', 'steps', () => changed(at('step.started'), { step: 0 })],
  ['another step completes than has started', 'steps', () => changed(at('step.completed'), { step: 2 })],
  ['a sub-session is opened twice', 'sub-sessions', () => twice(at('child.opened'))],
  ['a sub-session is opened by nobody', 'sub-sessions', () => changed(at('child.opened'), { taskId: null })],
  [
    'an item completes twice',
    'items',
    () =>
      twice(log.findIndex(({ type }, index) => type === 'item.completed' && itemAt(index).type === 'agent_message')),
  ],
  ['an item starts twice', 'items', () => twice(at('item.started'))],
  [
    'an item completes as another',
    'items',
    () =>
      changed(
        log.findIndex(({ type }, index) => type === 'item.completed' && itemAt(index).type === 'agent_message'),
        {
          item: {
            ...itemAt(
              log.findIndex(({ type }, index) => type === 'item.completed' && itemAt(index).type === 'agent_message'),
            ),
            type: 'reasoning',
          },
        },
      ),
  ],
  [
    'an item is open at the end of its task',
    'items',
    () => without(log.findIndex(({ type }, index) => type === 'item.completed' && itemAt(index).type === 'compaction')),
  ],
  ['a call has no output', 'calls', () => withEntries(outputAt(2), [])],
  [
    'a call has two outputs',
    'calls',
    () => withEntries(outputAt(1), [...entriesAt(outputAt(1)), ...entriesAt(outputAt(0))]),
  ],
  ['outputs come in another order', 'calls', () => withEntries(outputAt(0), entriesAt(outputAt(1)))],
  [
    'an output has no call',
    'calls',
    () => withEntries(outputAt(0), [{ type: 'output', callId: 'nobody', output: '' }]),
  ],
  [
    'two calls have one id',
    'calls',
    () => withEntries(callsAt(), [...entriesAt(callsAt()), ...entriesAt(callsAt()).slice(-1)]),
  ],
  ['a request is opened twice', 'requests', () => twice(at('request.opened'))],
  ['a request ends twice', 'requests', () => twice(at('request.resolved'))],
  ['a request ends that was never opened', 'requests', () => without(at('request.opened'))],
  ['a request is open at the end of its task', 'requests', () => without(at('request.resolved'))],
  ['a line is damaged', 'readable', () => Buffer.from(encoded(log).toString().replace('"step":1', '"step":7'))],
  [
    'a line is no JSON',
    'readable',
    () => Buffer.concat([encoded(log.slice(0, 3)), Buffer.from('rubbish\n'), encoded(log.slice(3))]),
  ],
  ['a record comes twice', 'readable', () => Buffer.concat([encoded(log.slice(0, 3)), encoded(log.slice(2))])],
];

describe('a log', () => {
  it('is legal as it is, and at each of its records as far as it goes', async () => {
    expect(await verifyLog([encoded(log)])).toEqual({
      verdict: 'legal',
      records: log.length,
      openTasks: [],
      isClosed: true,
    });
    for (let end = 1; end < log.length; end += 1) {
      const verdict = await verifyLog([encoded(log.slice(0, end))]);
      if (verdict.verdict !== 'legal') throw new Error(`After ${end} records: ${JSON.stringify(verdict)}`);
    }
  });

  it.each(MUTATIONS)('is not legal when %s', async (_, rule, mutate) => {
    const records = mutate();
    const verdict = await verifyLog([Array.isArray(records) ? encoded(records) : records]);
    expect(verdict).toEqual(expect.objectContaining({ verdict: 'illegal', rule, why: expect.any(String) }));
  });

  it('with a last line that was never finished is legal, and of nothing but that cannot be read', async () => {
    const torn = Buffer.concat([encoded(log.slice(0, 5)), Buffer.from('{"v":1')]);
    expect([
      (await verifyLog([torn])).verdict,
      (await verifyLog([Buffer.from('{"v":1')])).verdict,
      (await verifyLog([])).verdict,
    ]).toEqual(['legal', 'unreadable', 'unreadable']);
  });
});

it('has changes for each of its laws, fifty and more', () => {
  const tried = new Set(MUTATIONS.map(([, rule]) => rule));
  expect([RULES.map(({ name }) => name).filter((name) => !tried.has(name)), MUTATIONS.length >= 50]).toEqual([
    [],
    true,
  ]);
});

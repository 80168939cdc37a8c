import { describe, expect, it } from 'vitest';
import type { HistoryEntry, SessionEvent } from '../../src/index.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import { SCRIPTED_USAGE, type ScriptEntry } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { next, nextOf, rig } from '../session/rig.ts';

const isPrompt = ({ history }: ModelRequest) => textOf(history.at(-1)).startsWith('Write the notes');
/** The requests of the session itself, and those for a summary, each with entries of their own. */
const script = (own: readonly ScriptEntry[], summaries: readonly ScriptEntry[]) => ({
  lanes: { own, summary: summaries },
  pick: (request: ModelRequest) => (isPrompt(request) ? 'summary' : 'own'),
});

function textOf(entry: HistoryEntry | undefined): string {
  if (entry?.type !== 'message') return '';
  if (entry.role === 'assistant') return entry.text;
  return entry.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

const usage = (totalTokens: number) => ({ ...SCRIPTED_USAGE, totalTokens });
const compactions = (events: readonly SessionEvent[]) =>
  events.flatMap((event) =>
    (event.type === 'item.started' || event.type === 'item.completed') && event.item.type === 'compaction'
      ? [[event.type, event.item.status]]
      : [],
  );
const plan = { name: 'update_plan', arguments: { plan: [{ step: 'paint', status: 'in_progress' }] } };

/** A session with a window of so many tokens. */
function small(contextWindow: number, own: readonly ScriptEntry[], summaries: readonly ScriptEntry[]) {
  const model = scriptedModel(script(own, summaries), { contextWindow });
  return { ...rig({ model }), model };
}

describe('a compaction', () => {
  it('keeps what the user said and the plan as they are, and puts a summary in the place of the rest', async () => {
    const { session, model, events } = rig({
      script: script(
        [{ call: plan }, { say: 'It is half painted.' }, { say: 'blue' }],
        [{ say: 'The house is half painted.' }],
      ),
    });
    await session.run('Paint the house.').outcome;
    const before = session.entries();
    const outcome = await session.compact().outcome;
    await session.run('Which colour?').outcome;
    model.verify();
    const [, , summarising, last] = model.requests;
    expect([summarising?.history.slice(0, -1), summarising?.tools]).toEqual([before, []]);
    expect(last?.history.map(textOf)).toEqual([
      'Paint the house.',
      '<state_of_the_work>\nThe plan:\n- [in_progress] paint\n</state_of_the_work>',
      expect.stringMatching(
        /^<summary_of_earlier_work>[\s\S]*Paint the house\.[\s\S]*The house is half painted\.\n<\/summary/,
      ),
      'Which colour?',
    ]);
    expect([outcome, compactions(events)]).toEqual([
      expect.objectContaining({ status: 'completed', tokensBefore: 110, tokensAfter: expect.any(Number) }),
      [
        ['item.started', 'in_progress'],
        ['item.completed', 'completed'],
      ],
    ]);
    await session.close();
  });

  it('is on the disk before it is said to be done', async () => {
    const { session, log } = rig({ script: script([{ say: 'a' }], [{ say: 'notes' }]) });
    await session.run('go').outcome;
    const synced: boolean[] = [];
    session.events$.subscribe((event) => {
      if (event.type === 'item.completed' && event.item.type === 'compaction')
        synced.push(Buffer.from(log.syncedBytes(session.id)).includes('"type":"history.replaced"'));
    });
    await session.compact().outcome;
    expect(synced).toEqual([true]);
    await session.close();
  });

  it('does not nest summaries, and keeps what the user said through a second one', async () => {
    const { session, model } = rig({
      script: script([{ say: 'a' }, { say: 'b' }, { say: 'c' }], [{ say: 'notes one' }, { say: 'notes two' }]),
    });
    for (const words of ['first', 'second']) {
      await session.run(words).outcome;
      await session.compact().outcome;
    }
    await session.run('third').outcome;
    model.verify();
    const texts = model.requests.at(-1)?.history.map(textOf) ?? [];
    expect([
      texts.slice(0, 2),
      texts.length,
      texts.join().includes('notes one'),
      texts[2]?.includes('notes two'),
    ]).toEqual([['first', 'second'], 4, false, true]);
    await session.close();
  });

  it('leaves out the oldest when even the summary is too long to ask for, and says so', async () => {
    const tooLong: ScriptEntry = { fail: { code: 'context-window-exceeded', message: 'Too long.' } };
    const { session, model, events } = rig({
      script: script([{ say: 'a' }, { say: 'b' }], [tooLong, tooLong, { say: 'notes' }]),
    });
    await session.run('first').outcome;
    await session.run('second').outcome;
    const outcome = await session.compact().outcome;
    model.verify();
    const warnings = events.flatMap((event) => (event.type === 'warning.raised' ? [event.code] : []));
    const sizes = model.requests.filter(isPrompt).map(({ history }) => history.length);
    expect([outcome.status, sizes, warnings]).toEqual([
      'completed',
      [5, 4, 3],
      ['compaction-trimmed', 'history-compacted'],
    ]);
    await session.close();
  });

  it('fails with the reason, and leaves the history alone', async () => {
    const { session, events } = rig({
      script: script([{ say: 'a' }], [{ fail: { code: 'model-unreachable', message: 'No line.' } }]),
    });
    await session.run('first').outcome;
    const before = session.entries();
    const outcome = await session.compact().outcome;
    expect([outcome, compactions(events).at(-1), session.entries()]).toEqual([
      expect.objectContaining({
        status: 'failed',
        error: expect.objectContaining({
          code: 'model-unreachable',
          message: 'The history could not be summarised: No line.',
        }),
      }),
      ['item.completed', 'failed'],
      before,
    ]);
    await session.close();
  });

  it('may be aborted: the history stays, and the item says so', async () => {
    const { session, events } = rig({ script: script([{ say: 'a' }], [{ hang: true }]) });
    await session.run('first').outcome;
    const before = session.entries();
    const task = session.compact();
    await nextOf(session, 'step.started');
    const receipt = await task.abort();
    expect([receipt.outcome, compactions(events).at(-1), session.entries().slice(0, before.length)]).toEqual([
      'aborted',
      ['item.completed', 'aborted'],
      before,
    ]);
    await session.close();
  });

  it('is refused in words when nothing has been said, and goes on without a summary when the model gives none', async () => {
    const { session, model } = rig({ script: script([{ say: 'a' }, { say: 'b' }], [{ say: ' ' }]) });
    const refused = await session.compact().outcome;
    await session.run('first').outcome;
    const done = await session.compact().outcome;
    await session.run('second').outcome;
    expect([
      refused,
      done.status,
      model.requests.at(-1)?.history.map(textOf).join().includes('There is no summary'),
    ]).toEqual([
      expect.objectContaining({ status: 'failed', error: expect.objectContaining({ code: 'rejected' }) }),
      'completed',
      true,
    ]);
    await session.close();
  });

  it('queues what is said meanwhile', async () => {
    const { session, model } = rig({ script: script([{ say: 'a' }, { say: 'b' }], [{ afterMs: 5, say: 'notes' }]) });
    await session.run('first').outcome;
    const task = session.compact();
    const disposition = session.steer('and now this').disposition;
    await task.outcome;
    await nextOf(session, 'task.completed');
    model.verify();
    expect([disposition, textOf(model.requests.at(-1)?.history.at(-1))]).toEqual(['queued', 'and now this']);
    await session.close();
  });
});

describe('a regular task', () => {
  it('compacts before its first step when the last one has filled the window, with no events of a task for that', async () => {
    const { session, model, events, types } = small(
      1_000,
      [
        { say: 'a', usage: usage(900) },
        { say: 'b', usage: usage(200) },
      ],
      [{ say: 'notes' }],
    );
    await session.run('first').outcome;
    const { length } = types();
    await session.run('second').outcome;
    model.verify();
    const own = events.filter(({ seq, path }) => seq !== null && path.length === 1).map(({ type }) => type);
    expect([compactions(events), own.filter((type) => type.startsWith('task.')), length > 0]).toEqual([
      [
        ['item.started', 'in_progress'],
        ['item.completed', 'completed'],
      ],
      ['task.started', 'task.completed', 'task.started', 'task.completed'],
      true,
    ]);
    const texts = model.requests.at(-1)?.history.map(textOf) ?? [];
    expect([texts[0], texts[1]?.includes('notes'), texts[2]]).toEqual(['first', true, 'second']);
    await session.close();
  });

  it('compacts between its steps, as often as it has to, and goes on', async () => {
    const { session, model } = small(
      1_000,
      [
        { call: plan, usage: usage(950) },
        { call: plan, usage: usage(950) },
        { say: 'done', usage: usage(300) },
      ],
      [{ say: 'one' }, { say: 'two' }],
    );
    const outcome = await session.run('first').outcome;
    model.verify();
    expect(outcome).toEqual(expect.objectContaining({ status: 'completed', answer: 'done' }));
    await session.close();
  });

  const refused: ScriptEntry = { fail: { code: 'context-window-exceeded', message: 'Too long.' } };
  const stepsOf = (events: readonly SessionEvent[]) =>
    events.flatMap((event) => (event.type === 'step.started' && event.path.length === 1 ? [event.step] : []));

  it('compacts when its server finds the history too long, and makes the same step with what the user said once', async () => {
    const { session, model, events } = rig({
      script: script(
        [{ say: 'a' }, refused, { call: plan }, refused, { say: 'done' }],
        [{ say: 'one' }, { say: 'two' }],
      ),
    });
    await session.run('first').outcome;
    const outcome = await session.run('second').outcome;
    model.verify();
    expect([outcome, stepsOf(events), model.requests.at(-1)?.history.map(textOf)]).toEqual([
      expect.objectContaining({ status: 'completed', answer: 'done' }),
      [1, 1, 2],
      ['first', 'second', expect.stringContaining('paint'), expect.stringContaining('two')],
    ]);
    await session.close();
  });

  it('fails with the word of its server when that finds too long what was compacted, or what the user said', async () => {
    const { session, model } = rig({ script: script([refused, { say: 'a' }, refused, refused], [{ say: 'notes' }]) });
    const failed = { status: 'failed', error: { code: 'context-window-exceeded', message: 'Too long.' } };
    expect(await session.run('first').outcome).toMatchObject(failed);
    await session.run('second').outcome;
    expect(await session.run('third').outcome).toMatchObject(failed);
    model.verify();
    await session.close();
  });

  it('fails when the history is too long even then, instead of compacting for ever', async () => {
    const { session, model } = small(100, [{ say: 'a', usage: usage(99) }], [{ say: 'notes '.repeat(200) }]);
    await session.run('first').outcome;
    const outcome = await session.run('second').outcome;
    model.verify();
    expect(outcome).toEqual(
      expect.objectContaining({
        status: 'failed',
        error: expect.objectContaining({
          code: 'context-window-exceeded',
          message: expect.stringContaining('Even as a summary the history is too long'),
        }),
      }),
    );
    await session.close();
  });

  it('fails as the compaction fails', async () => {
    const { session } = small(
      1_000,
      [{ say: 'a', usage: usage(990) }],
      [{ fail: { code: 'unauthorized', message: 'Key?' } }],
    );
    await session.run('first').outcome;
    const outcome = await session.run('second').outcome;
    expect(outcome).toEqual(
      expect.objectContaining({
        status: 'failed',
        error: expect.objectContaining({ code: 'unauthorized', message: expect.stringContaining('Key?') }),
      }),
    );
    await session.close();
  });

  it('is aborted while it compacts, and nothing of that is left', async () => {
    const { session, events } = small(1_000, [{ say: 'a', usage: usage(990) }], [{ hang: true }]);
    await session.run('first').outcome;
    const task = session.run('second');
    await nextOf(session, 'step.started');
    const receipt = await task.abort();
    expect([receipt.outcome, receipt.unsettled, receipt.sessions.length, compactions(events).at(-1)]).toEqual([
      'aborted',
      0,
      1,
      ['item.completed', 'aborted'],
    ]);
    expect([session.children(), session.waitingOn()]).toEqual([[], []]);
    await session.close();
  });
});

describe('what is said while the history is compacted within a task', () => {
  const held = () => {
    const gate = Promise.withResolvers<void>();
    return { gate, entry: { waitFor: gate.promise, say: 'notes' } satisfies ScriptEntry };
  };

  it('waits until the model has gone on with what it was at', async () => {
    const { gate, entry } = held();
    const { session, model } = small(
      1_000,
      [
        { call: plan, usage: usage(950) },
        { say: 'gone on', usage: usage(100) },
        { say: 'heard', usage: usage(100) },
      ],
      [entry],
    );
    const task = session.run('first');
    await next(session, (event) => event.type === 'item.started' && event.item.type === 'compaction');
    session.steer('and this');
    gate.resolve();
    const outcome = await task.outcome;
    model.verify();
    const [, , continued, heard] = model.requests.map(({ history }) => history.map(textOf));
    expect([outcome, continued?.includes('and this'), heard?.at(-1)]).toEqual([
      expect.objectContaining({ answer: 'heard' }),
      false,
      'and this',
    ]);
    await session.close();
  });

  it('comes at once when only that needs an answer', async () => {
    const { gate, entry } = held();
    const answering = Promise.withResolvers<void>();
    const { session, model } = small(
      1_000,
      [
        { waitFor: answering.promise, say: 'done', usage: usage(950) },
        { say: 'heard', usage: usage(100) },
      ],
      [entry],
    );
    const task = session.run('first');
    await nextOf(session, 'step.started');
    session.steer('and this');
    answering.resolve();
    gate.resolve();
    await task.outcome;
    model.verify();
    expect([model.requests.length, textOf(model.requests.at(-1)?.history.at(-1))]).toEqual([3, 'and this']);
    await session.close();
  });
});

describe('a change to a model that takes less', () => {
  const windows = { large: 1_000, small: 200 };
  const switching = (summaries: readonly ScriptEntry[]) => {
    const played = scriptedModel(
      script(
        [
          { say: 'a', usage: usage(500) },
          { say: 'b', usage: usage(100) },
        ],
        summaries,
      ),
      { contextWindow: windows.large },
    );
    const model = {
      ...played,
      name: 'large',
      contextWindowOf: (name: string) => windows[name as keyof typeof windows],
    };
    return { ...rig({ model }), model };
  };

  it('has the model before it summarise the history first', async () => {
    const { session, model } = switching([{ say: 'notes' }]);
    await session.run('first').outcome;
    await session.run('second', { context: { model: 'small' } }).outcome;
    expect(model.requests.map((request) => [isPrompt(request), request.model ?? 'large'])).toEqual([
      [false, 'large'],
      [true, 'large'],
      [false, 'small'],
    ]);
    await session.close();
  });

  it('has the new one do that when the one before refuses', async () => {
    const { session, model } = switching([{ fail: { code: 'model-refused', message: 'Gone.' } }, { say: 'notes' }]);
    await session.run('first').outcome;
    const outcome = await session.run('second', { context: { model: 'small' } }).outcome;
    expect([outcome.status, model.requests.map((request) => request.model ?? 'large')]).toEqual([
      'completed',
      ['large', 'large', 'small', 'small'],
    ]);
    await session.close();
  });
});

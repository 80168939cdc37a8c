import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../src/rollout/record.ts';
import { type Verdict, verifyLog } from '../../src/rollout/verify/verify.ts';

type Body = Readonly<{ type: string; [member: string]: unknown }>;

const OPENED: Body = { type: 'session.opened', kind: 'root' };
const STARTED: Body = { type: 'task.started', taskId: 't1', kind: 'regular' };

/** The bytes of a log of these events. */
function logOf(bodies: readonly Body[]): Buffer {
  return Buffer.concat(
    bodies.map((payload, seq) =>
      encodeRecord({ seq, epoch: 0, time: '2026-11-27T00:00:00.000Z', type: payload.type, payload }),
    ),
  );
}
const verdictOn = (...bodies: readonly Body[]): Promise<Verdict> => verifyLog([logOf([OPENED, STARTED, ...bodies])]);

/** What is wrong with the last of these events; null when nothing is. */
async function whyOf(...bodies: readonly Body[]): Promise<string | null> {
  const verdict = await verdictOn(...bodies);
  if (verdict.verdict !== 'illegal') return null;
  expect(verdict.line).toBe(bodies.length + 2);
  return `${verdict.rule}: ${verdict.why}`;
}

describe('what has no name in a log', () => {
  it.each<[string, Body, string]>([
    ['an item', { type: 'item.started', item: {} }, 'items: the item without a name has started before'],
    ['a request', { type: 'request.opened' }, 'requests: the request without a name was opened before'],
    ['an input', { type: 'input.queued' }, 'inputs: the input without a name was queued before'],
    [
      'a sub-session',
      { type: 'child.opened', taskId: 't1' },
      'sub-sessions: the sub-session without a name was opened before',
    ],
    [
      'a call',
      { type: 'warning.raised', history: { op: 'append', entries: [{ type: 'call' }] } },
      'calls: two calls have the id without a name',
    ],
  ])('is one thing, as %s', async (_, body, why) => {
    expect([await whyOf(body), await whyOf(body, body)]).toEqual([null, why]);
  });

  it('is not open when nothing without a name was opened', async () => {
    expect(await whyOf({ type: 'request.resolved' })).toBe('requests: the request without a name is not open');
  });
});

describe('what is left out in a log', () => {
  it('counts as nothing where tokens are counted', async () => {
    const used = { type: 'usage.updated', usage: { totalTokens: 5 }, total: { totalTokens: 5 } };
    expect([
      await whyOf(used, { type: 'usage.updated', total: { totalTokens: 5 } }),
      await whyOf(used, { type: 'usage.updated', usage: {} }),
    ]).toEqual([null, 'usage: expected a total of at least 5 tokens, got 0']);
  });

  it('is told of a history that is replaced by no list', async () => {
    expect(await whyOf({ type: 'history.replaced', entries: 2, history: { op: 'replace', entries: 'two' } })).toBe(
      'replacement: expected 2 entries, got none',
    );
  });

  it('is no reason to be aborted for', async () => {
    const aborted = { type: 'task.aborted', taskId: 't1', reason: 'interrupted' };
    const receipt = { outcome: 'aborted', reason: 'interrupted' };
    expect(await whyOf({ type: 'task.aborting', taskId: 't1' }, { ...aborted, receipt })).toBe(
      'aborts: expected the reason null, got interrupted',
    );
  });

  it('is a step that completes without having started', async () => {
    expect(await whyOf({ type: 'step.completed', taskId: 't1', step: 1 })).toBe(
      'steps: expected step 0 to be completed, got 1',
    );
  });
});

describe('a task that was never told to stop', () => {
  const aborted = (reason: string, more: object) =>
    whyOf({ type: 'task.aborted', taskId: 't1', reason, receipt: { outcome: 'aborted', reason, ...more } });

  it('is found aborted after a crash, or when something of it never stopped', async () => {
    expect([
      await aborted('crashed', {}),
      await aborted('parent-aborted', { unsettled: 1 }),
      await aborted('parent-aborted', { unsettled: 0 }),
    ]).toEqual([null, null, 'aborts: the task t1 was not told to stop']);
  });
});

it('knows the calls of a history that has replaced another', async () => {
  const entry = { type: 'call', callId: 'c1' };
  const replaced = {
    type: 'history.replaced',
    entries: 2,
    history: { op: 'replace', entries: [entry, { type: 'x' }] },
  };
  const again = { type: 'warning.raised', history: { op: 'append', entries: [entry] } };
  expect([await whyOf(replaced), await whyOf(replaced, again)]).toEqual([null, 'calls: two calls have the id c1']);
});

describe('a log that cannot be read', () => {
  it('to its end is told by its last line', async () => {
    const bytes = Buffer.concat([logOf([OPENED]), Buffer.from('rubbish\n')]);
    expect(await verifyLog([bytes])).toEqual({
      verdict: 'illegal',
      line: 2,
      seq: null,
      type: null,
      rule: 'readable',
      why: 'Expected a line of JSON, got 7 bytes that are not.',
    });
  });

  it('because it is of a newer release is called neither legal nor illegal', async () => {
    const body = '{"v":2,"seq":0}';
    const newer = Buffer.from(`${body.slice(0, -1)},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}\n`);
    expect(await verifyLog([newer])).toEqual({
      verdict: 'unreadable',
      why: 'Expected a record of version 1, got version 2; a newer release may read it.',
    });
  });

  it('because the disk fails is nobody’s verdict', async () => {
    const failing = (async function* () {
      yield logOf([OPENED]);
      throw new Error('EIO');
    })();
    await expect(verifyLog(failing)).rejects.toThrow('EIO');
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listSessions, summaryOf } from '../../src/here/session-list.ts';
import { encodeRecord } from '../../src/rollout/record.ts';

const TIME = '2026-11-27T12:00:00.000Z';
const ROOT = { sessionId: 's', kind: 'root' };

const recordOf = (seq: number, type: string, payload: unknown) =>
  encodeRecord({ seq, epoch: 0, time: TIME.replace('00.000', `0${Math.min(seq, 9)}.000`), type, payload });
const opened = (more: object = {}) =>
  recordOf(0, 'session.opened', {
    type: 'session.opened',
    context: { cwd: '/work', model: 'm' },
    sessionPath: [ROOT],
    ...more,
  });
const said = (seq: number, item: object) => recordOf(seq, 'item.completed', { type: 'item.completed', item });

/** A home with logs of one day; ids sort by time. */
function homeWith(logs: Readonly<Record<string, readonly Uint8Array[]>>) {
  const home = mkdtempSync(join(tmpdir(), 'troupe-sessions-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const day = join(home, 'sessions/2026/11/27');
  mkdirSync(day, { recursive: true });
  const location = (id: string) => join(day, `${id}.jsonl`);
  for (const [id, parts] of Object.entries(logs)) writeFileSync(location(id), Buffer.concat(parts));
  return { home, location };
}
const unknown = {
  bytes: 0,
  openedAt: null,
  lastAt: null,
  path: null,
  cwd: null,
  model: null,
  firstMessage: null,
  lastType: null,
  openedBy: null,
};

describe('what a log says of its session', () => {
  const summary = async (...parts: readonly Uint8Array[]) => {
    const { location } = homeWith({ one: parts });
    const { location: _, sessionId: __, bytes: ___, ...rest } = await summaryOf(location('one'));
    return rest;
  };

  it('is where it works, what was said first, and how far it has come', async () => {
    const other = said(1, { type: 'agent_message', text: 'Hi.' });
    const message = said(2, { type: 'user_message', text: 'Do it.' });
    const { bytes: _, ...nothing } = unknown;
    expect(await summary(opened(), other, message, recordOf(3, 'session.closed', { type: 'session.closed' }))).toEqual({
      ...nothing,
      openedAt: TIME,
      lastAt: '2026-11-27T12:00:03.000Z',
      path: [ROOT],
      cwd: '/work',
      model: 'm',
      firstMessage: 'Do it.',
      lastType: 'session.closed',
      problem: null,
    });
  });

  it('is nothing where its records say nothing, and what is wrong with it', async () => {
    const { bytes: _, ...nothing } = unknown;
    const found = [
      await summary(),
      await summary(Buffer.from('rubbish\n')),
      await summary(recordOf(0, 'x', null), said(1, { type: 'user_message' })),
      await summary(opened(), Buffer.from('rubbish\n')),
      await summary(opened(), Buffer.from('{"v":1')),
    ];
    expect(found.map(({ problem, firstMessage, lastType }) => [problem, firstMessage, lastType])).toEqual([
      ['it has no record that can be read', null, null],
      ['it has no record that can be read', null, null],
      [null, null, 'item.completed'],
      ['1 of the lines that were looked at are damaged', null, 'session.opened'],
      ['its last line was never finished', null, 'session.opened'],
    ]);
    expect(found[0]).toEqual({ ...nothing, problem: 'it has no record that can be read' });
  });

  it('is read of the head and the tail of a long one', async () => {
    const long = Array.from({ length: 40 }, (_, at) =>
      said(at + 1, { type: 'agent_message', text: 'x'.repeat(5_000) }),
    );
    const { problem, lastType, openedAt } = await summary(opened(), ...long, recordOf(41, 'session.closed', {}));
    expect([problem, lastType, openedAt]).toEqual([null, 'session.closed', TIME]);
  });

  it('is no more than why, when it cannot be read', async () => {
    const { location } = homeWith({ one: [opened()] });
    symlinkSync(location('one'), location('link'));
    expect(await summaryOf(location('link'))).toEqual({
      ...unknown,
      sessionId: 'link',
      location: location('link'),
      problem: expect.stringContaining('ELOOP'),
    });
  });
});

describe('the sessions of a home', () => {
  const name = (at: number) => `01M8ESBYHR000000000000${String(at).padStart(4, '0')}`;
  const below = opened({ sessionPath: [ROOT, { sessionId: 'c', kind: 'review' }] });
  const elsewhere = opened({ context: { cwd: '/other', model: 'm' } });
  const ids = async (home: string, options: Parameters<typeof listSessions>[1]) =>
    (await listSessions(home, options)).map(({ sessionId }) => sessionId);

  it('are the newest first, without sub-sessions, of one directory, and no more than are wanted', async () => {
    const { home } = homeWith({
      [name(1)]: [opened()],
      [name(2)]: [below],
      [name(3)]: [elsewhere],
      [name(4)]: [opened()],
    });
    expect([
      await ids(home, {}),
      await ids(home, { all: true }),
      await ids(home, { cwd: '/work' }),
      await ids(home, { limit: 1 }),
      await ids(join(home, 'nowhere'), {}),
    ]).toEqual([[name(4), name(3), name(1)], [name(4), name(3), name(2), name(1)], [name(4), name(1)], [name(4)], []]);
  });

  it('are read in batches, and no longer than until there are enough', async () => {
    const logs = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [name(at), [opened()]]));
    const { home } = homeWith(logs);
    expect([
      (await ids(home, {})).length,
      (await ids(home, { limit: 20 })).length,
      (await ids(home, { limit: 40 })).at(-1),
    ]).toEqual([70, 20, name(30)]);
  });
});

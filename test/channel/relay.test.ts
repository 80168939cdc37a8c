import { describe, expect, it } from 'vitest';
import { type Announcement, createChannel } from '../../src/channel/channel.ts';
import { relay, type Uplink } from '../../src/channel/relay.ts';
import type { SessionEvent } from '../../src/protocol/events.ts';
import type { Decision, SessionRequest } from '../../src/protocol/requests.ts';
import { CHILD, CHILD_PATH, delta, gist, ROOT, requestOf, step, turns } from './events.ts';

/** A relay from a child's channel, and all that arrives above. */
function stageRelay(more: Partial<Uplink> = {}) {
  const child = createChannel();
  const told: SessionEvent[] = [];
  const opened: SessionRequest[] = [];
  const counted: Announcement[] = [];
  const closed: Announcement[] = [];
  const answered: [string, Decision][] = [];
  const joined = relay(child, {
    childPath: CHILD_PATH,
    hides: new Set(),
    tell: (event) => void told.push(event),
    opened: (request) => void opened.push(request),
    counted: (announcement) => void counted.push(announcement),
    closed: (announcement) => void closed.push(announcement),
    consider: () => null,
    answer: (requestId, decision) => void answered.push([requestId, decision]),
    ...more,
  });
  return { child, joined, told, opened, counted, closed, answered };
}

describe('the events of a child', () => {
  it('go up as they are, in order, with its identity', async () => {
    const { child, told } = stageRelay();
    const events = [step(1), delta('a'), step(2)];
    for (const event of events) child.tell(event);
    await turns();
    expect(told).toEqual(events);
    expect(told.map((event, index) => event === events[index])).toEqual([true, true, true]);
  });

  it('keep the rest of the path when they come from further below', async () => {
    const { child, told } = stageRelay();
    const grandchild = { sessionId: 'grandchild', kind: 'compact' };
    child.tell(step(1, [...CHILD_PATH, grandchild]));
    await turns();
    expect(told.map(({ path }) => path)).toEqual([[ROOT, CHILD, grandchild]]);
  });

  it.each([
    ['its parent', [ROOT], CHILD_PATH],
    ['nobody', [], CHILD_PATH],
    ['a sibling', [ROOT, { sessionId: 'sibling', kind: 'compact' }], CHILD_PATH],
    ['somebody in another tree', [{ sessionId: 'other', kind: 'root' }, CHILD], CHILD_PATH],
    ['itself, made up', [{ ...ROOT }, { ...CHILD, taskId: 'forged' }], CHILD_PATH],
    [
      'a child of a sibling',
      [ROOT, { ...CHILD, sessionId: 'x' }, { sessionId: 'y', kind: 'z' }],
      [...CHILD_PATH, { sessionId: 'y', kind: 'z' }],
    ],
  ])('are stamped with the true path when the child claims to be %s', async (_, claimed, stamped) => {
    const { child, told } = stageRelay();
    child.tell(step(1, claimed));
    child.tell(delta('a', claimed));
    await turns();
    expect(told.map(({ path }) => path)).toEqual([stamped, stamped]);
    expect(told.map(({ path }) => path[0] === ROOT && path[1] === CHILD)).toEqual([true, true]);
  });

  it('are hidden when their kind is, if they are transient', async () => {
    const { child, told } = stageRelay({ hides: new Set(['item.delta']) });
    child.tell(delta('a'));
    child.tell(step(1));
    child.tell({ ...delta('b'), type: 'stream.retrying', attempt: 1, of: 3, delayMs: 10, error: BUSY });
    await turns();
    expect(told.map(({ type }) => type)).toEqual(['step.started', 'stream.retrying']);
  });

  it('are never hidden when they are committed, whatever is asked for', async () => {
    const { child, told } = stageRelay({ hides: new Set(['step.started' as never]) }); // The types forbid it; callers may not have types.
    child.tell(step(1));
    await turns();
    expect(told.map(gist)).toEqual(['1']);
  });

  it('are all gone up when it is drained: after all that the child has told', async () => {
    const { child, told, joined } = stageRelay();
    let drained = false;
    void joined.drained.then(() => {
      drained = true;
    });
    child.tell(step(1));
    await turns();
    expect(drained).toBe(false);
    child.tell(step(2));
    child.complete();
    await joined.drained;
    expect(told.map(gist)).toEqual(['1', '2']);
  });

  it('go on while a request is open', async () => {
    const { child, told, opened } = stageRelay();
    child.announce({ type: 'opened', request: requestOf('r1') });
    child.tell(step(1));
    child.announce({ type: 'opened', request: requestOf('r2') });
    await turns();
    expect([opened.map(({ id }) => id), told.map(gist)]).toEqual([['r1', 'r2'], ['1']]);
  });
});

const BUSY = { code: 'rate-limited', message: 'Slow down.', retryable: true } as const;

describe('the requests of a child', () => {
  it('climb, and so does their end', async () => {
    const { child, opened, closed, answered } = stageRelay();
    const end = { type: 'closed', requestId: 'r1', resolution: { how: 'withdrawn', why: 'aborted' } } as const;
    child.announce({ type: 'opened', request: requestOf('r1') });
    child.announce(end);
    await turns();
    expect([opened, closed, answered]).toEqual([[requestOf('r1')], [end], []]);
  });

  it('are stamped with the true path, whatever the child says, also for who considers them', async () => {
    const considered: unknown[] = [];
    const { child, opened } = stageRelay({
      consider(request) {
        considered.push(request.path);
        return null;
      },
    });
    child.announce({ type: 'opened', request: requestOf('r1', [ROOT]) });
    await turns();
    expect([considered, opened.map(({ path }) => path)]).toEqual([[CHILD_PATH], [CHILD_PATH]]);
  });

  it.each(['denied', 'approved', { decision: 'denied', message: 'Not here.' }] as const)(
    'may be decided by the hop, and then do not climb (%j)',
    async (decision) => {
      const { child, opened, answered } = stageRelay({ consider: ({ id }) => (id === 'r1' ? decision : null) });
      child.announce({ type: 'opened', request: requestOf('r1') });
      child.announce({ type: 'opened', request: requestOf('r2') });
      await turns();
      expect([answered, opened.map(({ id }) => id)]).toEqual([[['r1', decision]], ['r2']]);
    },
  );

  it('may be narrowed by the hop, and then climb so', async () => {
    const { child, opened, answered } = stageRelay({ consider: (request) => ({ ...request, reason: 'Narrowed.' }) });
    child.announce({ type: 'opened', request: requestOf('r1') });
    await turns();
    expect([opened, answered]).toEqual([[{ ...requestOf('r1'), reason: 'Narrowed.' }], []]);
  });
});

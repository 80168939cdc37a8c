import { describe, expect, it } from 'vitest';
import { createChannel } from '../../src/channel/channel.ts';
import { delta, gist, requestOf, step, turns } from './events.ts';

const OPENED = { type: 'opened', request: requestOf('r1') } as const;
const CLOSED = { type: 'closed', requestId: 'r1', resolution: { how: 'expired' } } as const;

/** A channel, and everything that a first and a second subscriber are told, in order. */
function stageChannel() {
  const channel = createChannel();
  const first: string[] = [];
  const second: string[] = [];
  return {
    channel,
    first,
    second,
    follow(onFirst: (said: string) => void = () => {}) {
      channel.events$.subscribe({
        next(event) {
          first.push(gist(event));
          onFirst(gist(event));
        },
        complete: () => void first.push('complete'),
      });
      channel.events$.subscribe({
        next: (event) => void second.push(gist(event)),
        complete: () => void second.push('complete'),
      });
    },
  };
}

describe('a channel', () => {
  it('tells what it is told, in order, outside of whoever speaks', async () => {
    const { channel, first, follow } = stageChannel();
    follow();
    channel.tell(step(1));
    channel.tell(step(2));
    expect(first).toEqual([]);
    await turns();
    expect(first).toEqual(['1', '2']);
  });

  it('passes a transient event straight through when nothing waits', () => {
    const { channel, first, second, follow } = stageChannel();
    follow();
    channel.tell(delta('a'));
    channel.tell(delta('b'));
    expect([first, second]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('lets no transient event overtake what waits', async () => {
    const { channel, first, follow } = stageChannel();
    follow();
    channel.tell(step(1));
    channel.tell(delta('a'));
    channel.announce(OPENED);
    channel.tell(delta('b'));
    expect(first).toEqual([]);
    await turns();
    expect(first).toEqual(['1', 'a', 'b']);
    channel.tell(delta('c'));
    expect(first.at(-1)).toBe('c');
  });

  it('reorders nothing for the second subscriber when the first makes it speak again', async () => {
    const { channel, first, second, follow } = stageChannel();
    follow((said) => {
      if (said !== '1') return;
      channel.tell(step(2));
      channel.tell(delta('a'));
      channel.tell(step(3));
    });
    channel.tell(step(1));
    await turns();
    expect([first, second]).toEqual([
      ['1', '2', 'a', '3'],
      ['1', '2', 'a', '3'],
    ]);
  });

  it('reorders nothing either when it is a transient event that makes it speak again', () => {
    const { channel, first, second, follow } = stageChannel();
    follow((said) => {
      if (said !== 'a') return;
      channel.tell(delta('b'));
      channel.tell(step(1));
      channel.tell(delta('c'));
    });
    channel.tell(delta('a'));
    expect([first, second]).toEqual([
      ['a', 'b', '1', 'c'],
      ['a', 'b', '1', 'c'],
    ]);
  });

  it('keeps events and announcements in the order in which they were made', async () => {
    const { channel } = stageChannel();
    const seen: string[] = [];
    channel.events$.subscribe((event) => void seen.push(gist(event)));
    channel.announcements$.subscribe(({ type }) => void seen.push(type));
    channel.tell(step(1));
    channel.announce(OPENED);
    channel.tell(step(2));
    channel.announce(CLOSED);
    await turns();
    expect(seen).toEqual(['1', 'opened', '2', 'closed']);
  });

  it('tells announcements whole', async () => {
    const { channel } = stageChannel();
    const seen: unknown[] = [];
    channel.announcements$.subscribe((announcement) => void seen.push(announcement));
    channel.announce(OPENED);
    channel.announce(CLOSED);
    await turns();
    expect(seen).toEqual([OPENED, CLOSED]);
  });

  it('remembers nothing for whoever comes later', async () => {
    const { channel, first, follow } = stageChannel();
    channel.tell(step(1));
    channel.tell(delta('a'));
    await turns();
    follow();
    channel.tell(step(2));
    await turns();
    expect(first).toEqual(['2']);
  });

  it('knows whether somebody follows its announcements; its events do not count', () => {
    const { channel, follow } = stageChannel();
    follow();
    const seen = [channel.listened];
    const following = channel.announcements$.subscribe(() => {});
    seen.push(channel.listened);
    following.unsubscribe();
    seen.push(channel.listened);
    expect(seen).toEqual([false, true, false]);
  });

  it('hands out ends that cannot speak', () => {
    const { channel } = stageChannel();
    expect(['next' in channel.events$, 'next' in channel.announcements$]).toEqual([false, false]);
  });
});

describe('a channel that completes', () => {
  it('delivers what waits, and then completes both streams', async () => {
    const { channel, first, second, follow } = stageChannel();
    const announced: string[] = [];
    channel.announcements$.subscribe({
      next: ({ type }) => void announced.push(type),
      complete: () => void announced.push('complete'),
    });
    follow();
    channel.tell(step(1));
    channel.announce(CLOSED);
    channel.complete();
    expect([first, announced]).toEqual([[], []]);
    await turns();
    expect([first, second, announced]).toEqual([
      ['1', 'complete'],
      ['1', 'complete'],
      ['closed', 'complete'],
    ]);
  });

  it('delivers what a subscriber makes it say while it completes, too', async () => {
    const { channel, second, follow } = stageChannel();
    follow((said) => {
      if (said !== '1') return;
      channel.tell(step(2));
      channel.complete();
    });
    channel.tell(step(1));
    await turns();
    expect(second).toEqual(['1', '2', 'complete']);
  });

  it('tells nothing that comes later, and completes at once for whoever does', async () => {
    const { channel, first, second, follow } = stageChannel();
    follow();
    channel.complete();
    await turns();
    channel.tell(step(1));
    channel.tell(delta('a'));
    channel.announce(OPENED);
    await turns();
    follow();
    expect([first, second]).toEqual([
      ['complete', 'complete'],
      ['complete', 'complete'],
    ]);
  });
});

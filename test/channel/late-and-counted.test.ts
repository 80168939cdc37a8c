import { expect, it } from 'vitest';
import { type Announcement, createChannel } from '../../src/channel/channel.ts';
import { relay, type Uplink } from '../../src/channel/relay.ts';
import { CHILD_PATH, requestOf, turns } from './events.ts';

it('completes for whoever comes to hear of requests when all is over', async () => {
  const channel = createChannel();
  channel.complete();
  await turns();
  const heard: string[] = [];
  channel.announcements$.subscribe({
    next: ({ type }) => void heard.push(type),
    complete: () => void heard.push('over'),
  });
  expect([heard, channel.listened]).toEqual([['over'], false]);
});

it('carries up how often a request is asked, in order with its opening and its end', async () => {
  const child = createChannel();
  const climbed: [to: string, Announcement][] = [];
  const up: Uplink = {
    childPath: CHILD_PATH,
    hides: new Set(),
    tell: () => {},
    opened: (request) => void climbed.push(['opened', { type: 'opened', request }]),
    counted: (announcement) => void climbed.push(['counted', announcement]),
    closed: (announcement) => void climbed.push(['closed', announcement]),
    consider: () => null,
    answer: () => {},
  };
  relay(child, up);
  const said: readonly Announcement[] = [
    { type: 'opened', request: requestOf('r1') },
    { type: 'counted', requestId: 'r1', count: 2 },
    { type: 'counted', requestId: 'r1', count: 1 },
    { type: 'closed', requestId: 'r1', resolution: { how: 'expired' } },
  ];
  for (const announcement of said) child.announce(announcement);
  await turns();
  expect(climbed).toEqual(said.map((announcement) => [announcement.type, announcement]));
});

import { describe, expect, it } from 'vitest';
import {
  deniedAll,
  type Ending,
  hasRoom,
  NO_REQUESTS,
  nextTurn,
  type OwnRequest,
  type OwnRequests,
  settled,
} from '../../machines/own-requests.ts';
import type { Decision, Resolution } from '../../src/protocol/requests.ts';

const ownOf = (requestId: string, more: Partial<OwnRequest> = {}): OwnRequest => ({
  requestId,
  taskId: 't1',
  identity: 'same',
  boundTo: 'hash',
  askedAt: 0,
  shownAt: null,
  sameAs: null,
  ...more,
});
const requestsOf = (...own: readonly OwnRequest[]): OwnRequests => ({ ...NO_REQUESTS, own });
const by = (decision: Decision, who: 'client' | 'policy' = 'client'): Resolution => ({
  how: 'answered',
  decision,
  by: who,
});
const endOf = (requests: OwnRequests, resolution: Resolution) =>
  settled(requests, { requestId: 'r1', resolution }, null);

describe('the turn of a request', () => {
  const shown = requestsOf(ownOf('r1', { shownAt: 0 }), ownOf('r2', { shownAt: 5 }));
  const recent = { ...shown, shownAtMs: [0, 5] };

  it('has come at once where nothing limits it', () => {
    const none = { requestsOpenMax: null, requestsPerMinuteMax: null };
    expect([hasRoom(recent, none, 10), nextTurn(recent, none)]).toEqual([true, 0]);
  });

  it('comes when one of those that are open ends, when that is what limits it', () => {
    const two = { requestsOpenMax: 2, requestsPerMinuteMax: null };
    expect([hasRoom(recent, two, 10), nextTurn(recent, two)]).toEqual([false, null]);
  });

  it('comes a minute after the oldest of as many as may be shown in one', () => {
    const one = { requestsOpenMax: null, requestsPerMinuteMax: 1 };
    const two = { requestsOpenMax: null, requestsPerMinuteMax: 2 };
    const three = { requestsOpenMax: null, requestsPerMinuteMax: 3 };
    expect([nextTurn(recent, one), nextTurn(recent, two), nextTurn(recent, three)]).toEqual([60_005, 60_000, 0]);
  });
});

describe('requests that wait for the decision of another', () => {
  const four = requestsOf(
    ownOf('r1', { shownAt: 1 }),
    ...['r2', 'r3', 'r4'].map((requestId) => ownOf(requestId, { sameAs: 'r1' })),
  );

  it('end with it, and as aborted when it aborts', () => {
    const others: Ending[] = ['r2', 'r3', 'r4'].map((requestId) => ({
      requestId,
      resolution: { how: 'withdrawn', why: 'aborted' },
    }));
    expect(endOf(four, by('abort'))).toEqual({ requests: requestsOf(), others });
  });

  it('stand for each other when the decision was for fewer: the oldest for the rest', () => {
    const decision: Decision = { decision: 'approved', count: 2 };
    expect(endOf(four, by(decision))).toEqual({
      requests: requestsOf(ownOf('r3'), ownOf('r4', { sameAs: 'r3' })),
      others: [{ requestId: 'r2', resolution: by(decision) }],
    });
  });

  it('stand for themselves when it is withdrawn alone', () => {
    expect(endOf(four, { how: 'withdrawn', why: 'aborted' }).requests.own).toEqual([
      ownOf('r2'),
      ownOf('r3', { sameAs: 'r2' }),
      ownOf('r4', { sameAs: 'r2' }),
    ]);
  });
});

describe('a denial of everything', () => {
  const [mine, other] = [ownOf('r1'), ownOf('r2', { taskId: 't2' })];
  const denial = (more: object) => ({ taskId: null, boundTo: null, message: null, ...more });

  it('of one task ends what that asks, and takes the place of an earlier one of that task only', () => {
    const denials = [
      denial({ taskId: 't1', message: 'old' }),
      denial({ taskId: 't2' }),
      denial({ taskId: 't1', boundTo: 'hash' }),
    ];
    const resolution = by({ decision: 'denied', message: 'Enough.' });
    expect(deniedAll({ ...requestsOf(mine, other), denials }, 't1', 'Enough.')).toEqual({
      requests: {
        ...requestsOf(other),
        denials: [
          denial({ taskId: 't1', message: 'Enough.' }),
          denial({ taskId: 't2' }),
          denial({ taskId: 't1', boundTo: 'hash' }),
        ],
      },
      others: [{ requestId: 'r1', resolution }],
    });
  });

  it('of all tasks ends all', () => {
    const ends = ['r1', 'r2'].map((requestId) => ({ requestId, resolution: by('denied') }));
    expect(deniedAll(requestsOf(mine, other), null, null)).toEqual({
      requests: { ...requestsOf(), denials: [denial({})] },
      others: ends,
    });
  });
});

describe('what a denial leaves behind', () => {
  it('is remembered with its words, if it has any', () => {
    const remembered = (decision: Decision) => endOf(requestsOf(ownOf('r1')), by(decision)).requests.denials;
    const denial = { taskId: 't1', boundTo: 'hash' };
    expect([
      remembered('denied'),
      remembered({ decision: 'denied', message: 'No.' }),
      remembered({ decision: 'denied' } as Decision), // As a caller without types may say it.
      remembered({ decision: 'denied', message: undefined } as unknown as Decision), // The same.
      remembered('approved'),
    ]).toEqual([
      [{ ...denial, message: null }],
      [{ ...denial, message: 'No.' }],
      [{ ...denial, message: null }],
      [{ ...denial, message: null }],
      [],
    ]);
  });

  it('takes no turn when a policy has answered what nobody was shown, and gives back the turn of what was', () => {
    const seen = (own: OwnRequest) => ({ ...requestsOf(own), shownAtMs: [3, 7, 9] });
    const left = (shownAt: number | null) => endOf(seen(ownOf('r1', { shownAt })), by('approved', 'policy'));
    expect([left(null), left(7), left(8)].map(({ requests }) => requests.shownAtMs)).toEqual([
      [3, 7, 9],
      [3, 9],
      [3, 7, 9],
    ]);
  });
});

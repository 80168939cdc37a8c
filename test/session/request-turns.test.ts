import { describe, expect, it } from 'vitest';
import { floodRig, numbered } from './request-flood.ts';

const OPEN_MAX = 8;
const PER_MINUTE_MAX = 30;

describe.each([1, 3, 8])('a sub-session at depth %i that asks a thousand times at once', (depth) => {
  const flood = async () => {
    const rig = floodRig();
    const input = { depth, kind: 'asker', input: { ids: numbered(1_000) } };
    const task = rig.session.start('below', input);
    await rig.world.run(() => rig.ids('request.opened').length === 1_000 && rig.shown.length >= OPEN_MAX);
    return { ...rig, task };
  };

  it('has eight in front of people, and the rest waits', async () => {
    const { session, shown, names, task, world, now } = await flood();
    const asker = session.pending()[0]?.path ?? [];
    expect([names(shown), names(session.pending())]).toEqual([numbered(OPEN_MAX), numbered(OPEN_MAX)]);
    expect(names(session.at(asker)?.pending() ?? [])).toEqual(numbered(OPEN_MAX));
    const askedAt = now();
    await world.run(() => now() >= askedAt + 100 || world.clock.timers === 0);
    expect(session.waitingOn().filter(({ cause }) => cause === 'queue')).toEqual([
      {
        path: asker,
        taskId: expect.any(String),
        cause: 'queue',
        what: 'the turn of 992 requests to be shown: at most 8 of a sub-session at once, and 30 in a minute',
        forMs: expect.any(Number),
      },
    ]);
    await world.settled(task.abort());
    await world.settled(session.close());
  });

  it('is let go of by an abort: each request ends once, nobody is shown another one, and late answers are told', async () => {
    const { session, shown, events, ids, task, world } = await flood();
    const seen = [...shown];
    expect((await world.settled(task.abort())).outcome).toBe('aborted');
    expect([session.pending(), shown.length]).toEqual([[], OPEN_MAX]);
    expect(ids('request.resolved').toSorted()).toEqual(ids('request.opened').toSorted());
    expect(events().some(({ type }) => type === 'request.shown')).toBe(false);
    const ends = events().flatMap((event) => (event.type === 'request.resolved' ? [event.resolution] : []));
    expect(new Set(ends.map((end) => JSON.stringify(end)))).toEqual(new Set(['{"how":"withdrawn","why":"aborted"}']));
    expect(seen.map(({ id }) => session.answer(id, 'approved'))).toEqual(Array(OPEN_MAX).fill('withdrawn'));
    await world.settled(session.close());
  });
});

describe('the turns of requests', () => {
  it('come in the order in which they were asked, one for each that ends', async () => {
    const { session, shown, names, world } = floodRig();
    const task = session.start('below', { depth: 1, kind: 'asker', input: { ids: numbered(20) } });
    for (let decided = 0; decided < 20; decided += 1) {
      await world.run(() => shown.length > decided);
      await world.run(() => shown.length === Math.min(20, decided + OPEN_MAX));
      expect([names(shown), session.pending().length]).toEqual([
        numbered(Math.min(20, decided + OPEN_MAX)),
        Math.min(OPEN_MAX, 20 - decided),
      ]);
      expect(session.answer(shown[decided]?.id ?? '', 'approved')).toBe('accepted');
    }
    expect(await world.settled(task.outcome)).toMatchObject({ answers: Array(20).fill('approved') });
    await world.settled(session.close());
  });

  it('are given thirty times a minute, however quickly people decide', async () => {
    const { session, world, events } = floodRig({ onRequest: () => 'approved' });
    const task = session.start('below', { depth: 2, kind: 'patient', input: { ids: numbered(70) } });
    expect(await world.settled(task.outcome)).toMatchObject({ status: 'completed' });
    const times = events().flatMap((event) => {
      const isShown =
        event.type === 'request.shown' || (event.type === 'request.opened' && event.unshown === undefined);
      return isShown ? [Date.parse(event.time)] : [];
    });
    const inAnyMinute = times.map((from) => times.filter((time) => time >= from && time < from + 60_000).length);
    expect([times.length, Math.max(...inAnyMinute)]).toEqual([70, PER_MINUTE_MAX]);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(120_000);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(125_000);
    await world.settled(session.close());
  });

  it('are not used up by what a policy decides: nobody is shown it', async () => {
    const times: number[] = [];
    const { session, world, now } = floodRig({
      onRequest: () => {
        times.push(now());
        return 'denied';
      },
    });
    const begun = now();
    const task = session.start('judged', { ids: numbered(200) });
    expect(await world.settled(task.outcome)).toMatchObject({ answers: Array(200).fill('approved') });
    expect([times, now() - begun < 60_000]).toEqual([[], true]);
    await world.settled(session.close());
  });

  it('are as many as the limits say, and all at once when they say null', async () => {
    for (const [requestsOpenMax, shownAtOnce] of [
      [2, 2],
      [null, 20],
    ] as const) {
      const { session, shown, world } = floodRig({ limits: { requestsOpenMax } });
      const task = session.start('below', { depth: 1, kind: 'asker', input: { ids: numbered(20) } });
      await world.run(() => session.waitingOn().some(({ cause }) => cause === 'queue') || shown.length === 20);
      await world.run(() => shown.length === shownAtOnce);
      expect([shown.length, session.pending().length]).toEqual([shownAtOnce, shownAtOnce]);
      await world.settled(task.abort());
      await world.settled(session.close());
    }
  });

  it('of one child are no matter for another one, nor for the root', async () => {
    const { session, names, world } = floodRig();
    const flooding = { kind: 'asker', input: { ids: numbered(500, 'flood') } };
    const quiet = { kind: 'asker', input: { ids: ['quiet'] } };
    const task = session.start('several', { of: [flooding, quiet] });
    await world.run(() => session.pending().length === OPEN_MAX + 1);
    expect(names(session.pending()).toSorted()).toEqual([...numbered(OPEN_MAX, 'flood'), 'quiet'].toSorted());
    await world.settled(task.abort());
    const own = session.start('asker', { ids: numbered(40, 'own') });
    await world.run(() => session.pending().length === 40);
    expect(names(session.pending())).toEqual(numbered(40, 'own'));
    await world.settled(own.abort());
    await world.settled(session.close());
  });

  it('begin the time that a request may stay open: what waits does not expire', async () => {
    const { session, shown, events, world, now } = floodRig({
      limits: { requestsOpenMax: 1, requestTimeoutMs: 100, requestsPerMinuteMax: null },
    });
    const begun = now();
    const task = session.start('below', { depth: 3, kind: 'asker', input: { ids: numbered(5) } });
    expect(await world.settled(task.outcome)).toMatchObject({
      answers: Array(5).fill({ decision: 'denied', message: 'Nobody decided within 100 ms.' }),
    });
    expect([shown.length, now() - begun >= 500]).toEqual([5, true]);
    const told = events().flatMap((event) =>
      event.type === 'request.resolved' ? [[event.requestId, event.resolution.how]] : [],
    );
    expect(told).toEqual(shown.map(({ id }) => [id, 'expired']));
    expect(shown.map(({ id }) => session.answer(id, 'approved'))).toEqual(Array(5).fill('withdrawn'));
    await world.settled(session.close());
  });

  it('are the same for the same seed', async () => {
    const hash = async () => {
      const { session, world } = floodRig({ onRequest: () => 'approved' }, 7);
      const task = session.start('below', { depth: 3, kind: 'asker', input: { ids: numbered(60) } });
      await world.settled(task.outcome);
      await world.settled(session.close());
      return world.traceHash();
    };
    expect(await hash()).toBe(await hash());
  });
});

describe.each([1, 3, 8])('whoever was shown a request from depth %i', (depth) => {
  const shownTo = (limits = {}) => {
    const signals: AbortSignal[] = [];
    const rig = floodRig({
      onRequest: (_, { signal }) => {
        signals.push(signal);
        return undefined;
      },
      limits,
    });
    const task = rig.session.start('below', { depth, kind: 'asker', input: { ids: numbered(12) } });
    return { ...rig, task, ended: () => signals.map(({ aborted }) => aborted) };
  };

  it('is told when it is withdrawn', async () => {
    const { session, world, task, ended } = shownTo();
    await world.run(() => ended().length === OPEN_MAX);
    expect(ended()).toEqual(Array(OPEN_MAX).fill(false));
    await world.settled(task.abort());
    expect(ended()).toEqual(Array(OPEN_MAX).fill(true));
    await world.settled(session.close());
  });

  it('is told when it expires, and the next ones get their turn', async () => {
    const { session, world, task, ended } = shownTo({ requestTimeoutMs: 200 });
    await world.settled(task.outcome);
    expect(ended()).toEqual(Array(12).fill(true));
    await world.settled(session.close());
  });
});

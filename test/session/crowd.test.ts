import { describe, expect, it } from 'vitest';
import { SLICE_MAX } from '../../src/runtime/admission.ts';
import { verifiedWorld } from '../simulation/verified-world.ts';

const CROWD = 200;

/** Opens many sessions in one world, and starts a task in each at once. */
function startMany(seed: number) {
  const simulated = verifiedWorld(seed);
  const sessions = Array.from({ length: CROWD }, () =>
    simulated.open({ model: simulated.model([{ say: ['Done.'] }]), rollout: 'off', projectInstructions: false }),
  );
  return { simulated, sessions, tasks: sessions.map((session) => session.run('go')) };
}

describe('many sessions that start at once', () => {
  it('all answer at once, and all come to their end', async () => {
    const { simulated, tasks } = startMany(1);
    const answers = tasks.map(({ disposition }) => disposition.disposition);
    const begun = Array.from({ length: SLICE_MAX + 1 }, () => 'started');
    expect(answers).toEqual([...begun, ...Array.from({ length: CROWD - begun.length }, () => 'queued')]);
    const outcomes = await simulated.settled(Promise.all(tasks.map(({ outcome }) => outcome)));
    expect(outcomes.filter(({ status }) => status !== 'completed')).toEqual([]);
  });

  it('begin in the order in which they were started, in every repetition the same', async () => {
    const order = async () => {
      const { simulated, sessions, tasks } = startMany(2);
      const places = new Map(sessions.map(({ id }, place) => [id, place]));
      await simulated.settled(Promise.all(tasks.map(({ outcome }) => outcome)));
      const begun = simulated
        .trace()
        .flatMap((entry) =>
          entry.type === 'event' && entry.event.type === 'task.started' ? [places.get(entry.event.sessionId)] : [],
        );
      return { begun, hash: simulated.traceHash() };
    };
    const first = await order();
    expect(first.begun).toEqual(Array.from({ length: CROWD }, (_, place) => place));
    expect(await order()).toEqual(first);
  });

  it('that have not begun can be stopped, and have told nothing of a task', async () => {
    const { simulated, sessions, tasks } = startMany(3);
    const session = sessions[CROWD - 1];
    const outcome = tasks[CROWD - 1]?.outcome;
    await simulated.settled(Promise.all([session?.interrupt(), outcome]));
    expect(await outcome).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    const told = simulated
      .trace()
      .flatMap((entry) => (entry.type === 'event' && entry.event.sessionId === session?.id ? [entry.event.type] : []));
    expect(told).toEqual(['session.opened']);
  });
});

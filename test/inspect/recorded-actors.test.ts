import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineTask, type SessionEvent } from '../../src/index.ts';
import { machineCharts } from '../../src/inspect/machine-charts.ts';
import { createRecordedSource } from '../../src/inspect/recorded-source.ts';
import { nextOf, rig } from '../session/rig.ts';

const failing = defineTask({ input: z.object({}), work: () => Promise.reject(new Error('broken')) });

/** A recording of a session in which a model asks, is answered and ends, and a task of an embedder fails. */
async function recorded() {
  const call = {
    name: 'shell',
    arguments: { command: 'ls /root', with_escalated_permissions: true, justification: 'j' },
  };
  const { session, events } = rig({
    script: [{ call }, { say: 'Done.' }],
    tasks: { failing },
    onRequest: () => undefined,
  });
  const first = session.run('look');
  await nextOf(session, 'request.opened');
  session.answer(session.pending()[0]?.id ?? '', 'denied');
  await first.outcome;
  await session.start('failing', {}).outcome;
  const asking = session.run('again');
  await asking.abort();
  await session.close();
  const told = events.filter(({ seq }) => seq !== null);
  const source = createRecordedSource(
    { sessionId: session.id, title: 'then', events: told, notes: [] },
    { charts: machineCharts(), fork: async () => 'a new one' },
  );
  return { id: session.id, told, source };
}

it('shows the actors in the states that a log tells of, at each of its moments', async () => {
  const { id, told, source } = await recorded();
  const at = async (fits: (event: SessionEvent) => boolean) => {
    await source.fulfil({ do: 'go', position: told.findIndex(fits) + 1 });
    return source.actors().map(({ name, chart, active, status }) => [name, chart, active.at(-1), active[1], status]);
  };
  const isOf = (type: SessionEvent['type'], kind?: string) => (event: SessionEvent) =>
    event.type === type && (kind === undefined || ('kind' in event && event.kind === kind));
  const session = (attention: string, activity: string, status = 'active') => [
    'root',
    'session',
    `attention.${attention}`,
    `activity.${activity}`,
    status,
  ];
  const firstOf = async (fits: (event: SessionEvent) => boolean) => (await at(fits))[0];
  expect([
    await firstOf(isOf('session.opened')),
    await firstOf(isOf('request.opened')),
    await firstOf(isOf('request.resolved')),
    await firstOf(isOf('session.closed')),
  ]).toEqual([
    session('clear', 'idle'),
    session('awaiting-decision', 'busy'),
    session('clear', 'busy'),
    session('clear', 'closed', 'done'),
  ]);
  const failed = (await at(isOf('task.failed', 'failing'))).find(([name]) => name === 'failing');
  expect(failed).toEqual(['failing', 'regular', 'completed', undefined, 'done']);
  expect([
    source.chart('session')?.id,
    source.chart('none'),
    source.context(`session:${id}`),
    source.context('x:y'),
  ]).toEqual(['session', null, expect.objectContaining({ id }), null]);
});

it('marks a task that has failed', async () => {
  const { source } = await recorded();
  const marks = source.hello().recording?.marks ?? [];
  expect(marks.filter(({ what }) => what === 'error').map(({ text }) => text)).toEqual(['broken']);
});

import { expect, it } from 'vitest';
import { forkSession, type HistoryEntry, resumeSession } from '../../src/index.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { rig } from './rig.ts';

const textOf = (entry: HistoryEntry | undefined) =>
  entry?.type !== 'message'
    ? ''
    : entry.role === 'assistant'
      ? entry.text
      : entry.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
const isSummary = ({ history }: ModelRequest) => textOf(history.at(-1)).startsWith('Write the notes');

it('compacted, resumed and forked sessions are the same history, and a fork has less of it', async () => {
  const model = scriptedModel([
    { say: 'one' },
    { say: 'notes one' },
    { say: 'two' },
    { say: 'three' },
    { say: 'four' },
    { say: 'notes two' },
    { say: 'five' },
  ]);
  const first = rig({ model });
  const { id } = first.session;
  const options = { model, projectInstructions: false, checkpoints: 'off', world: { logStore: first.log } } as const;
  await first.session.run('first').outcome;
  await first.session.compact().outcome;
  await first.session.run('second').outcome;
  await first.session.close();
  const resumed = await resumeSession(id, options);
  await resumed.run('third').outcome;
  await resumed.close();
  const fork = await forkSession(id, { before: 2 }, options);
  await fork.run('fourth').outcome;
  const [, , second, third, fourth] = model.requests;
  expect(third?.history.slice(0, second?.history.length)).toEqual(second?.history);
  expect(fourth?.history.slice(0, -1)).toEqual(third?.history.slice(0, -1));
  expect([third, fourth].map((request) => textOf(request?.history.at(-1)))).toEqual(['third', 'fourth']);
  expect([third?.cacheKey === second?.cacheKey, fourth?.cacheKey === third?.cacheKey]).toEqual([true, false]);
  await fork.compact().outcome;
  await fork.close();
  const again = await resumeSession(fork.id, options);
  await again.run('fifth').outcome;
  await again.close();
  model.verify();
  const last = model.requests.at(-1);
  expect([last?.history.map(textOf), model.requests.filter(isSummary).length]).toEqual([
    ['first', 'second', 'fourth', expect.stringMatching(/^<summary_of_earlier_work>[\s\S]*notes two/), 'fifth'],
    2,
  ]);
});

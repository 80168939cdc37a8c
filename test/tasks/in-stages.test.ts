import { expect, it } from 'vitest';
import * as z from 'zod';
import { stagedWork } from '../../machines/staged-work.ts';
import { defineTask } from '../../src/index.ts';
import { inStages } from '../../src/tasks/in-stages.ts';
import { rig } from '../session/rig.ts';

const chart = stagedWork({
  id: 'adding',
  description: 'Adds.',
  stages: { reading: 'Reads numbers.', adding: 'Adds them up.' },
});

it('runs the functions of a work one after the other, and completes with what the last gives', async () => {
  const sum = defineTask({
    input: z.array(z.string()),
    description: 'Adds up.',
    work: inStages(
      chart,
      (input: string[]) => input.map(Number),
      async (numbers, ports, scope) => ({ answer: `${numbers}`, stage: scope.input.stage, given: ports.input }),
    ),
  });
  const { session } = rig({ tasks: { sum } });
  const outcome = await session.start('sum', ['1', '2']).outcome;
  expect(outcome).toEqual(
    expect.objectContaining({ status: 'completed', answer: '1,2', stage: 'adding', given: ['1', '2'] }),
  );
  await session.close();
});

it('fails with what a stage throws, and runs no other', async () => {
  const ran: string[] = [];
  const sum = defineTask({
    input: z.array(z.string()),
    work: inStages(
      chart,
      (): number[] => {
        throw new Error('No numbers.');
      },
      () => ({ ran: ran.push('adding') }),
    ),
  });
  const { session } = rig({ tasks: { sum } });
  const outcome = await session.start('sum', ['1']).outcome;
  const error = { code: 'internal', message: 'No numbers.', retryable: false };
  expect([outcome, ran]).toEqual([expect.objectContaining({ status: 'failed', error }), []]);
  await session.close();
});

it('refuses another number of functions than the chart has stages', () => {
  expect(() => defineTask({ input: z.string(), work: inStages(chart, () => ({})) })).toThrow(
    'defineTask: expected a function for each of the stages reading, adding, got 1 functions.',
  );
});

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask } from '../../src/tasks/define-task.ts';
import { misfit } from '../../src/tasks/output-schema.ts';

describe('a kind of task', () => {
  const input = z.object({});
  const work = async () => ({});

  it.each([
    ['an input that is a text', { input: 'text', work }, '`input` to be a Standard Schema, got text.'],
    [
      'an input that is no schema',
      { input: {}, work },
      '`input` to be a Standard Schema (zod, valibot, arktype …), got object.',
    ],
    ['a work that is a number', { input, work: 7 }, '`work` to be a function or actor logic, got number.'],
  ])('is refused with %s, in words', (_, definition, words) => {
    expect(() => defineTask(definition as never)).toThrow(`defineTask: expected ${words}`); // As a caller without types may give it.
  });

  it('may have a schema that is a function, as some libraries make them', () => {
    const schema = Object.assign(() => null, { '~standard': input['~standard'] });
    expect(defineTask({ input: schema, work }).input).toBe(schema);
  });
});

describe('an answer that has to fit a schema', () => {
  const schema = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] };

  it('fits it or not, and what is wrong is said with its place', () => {
    expect([
      misfit('{"sum":1}', schema),
      misfit('{"sum":"1"}', schema),
      misfit('[]', schema),
      misfit('sum: 1', schema),
    ]).toEqual([
      null,
      expect.stringMatching(/^Expected an answer that fits the schema, got one that does not: sum: .+\.$/),
      expect.stringMatching(/^Expected an answer that fits the schema, got one that does not: (?!sum).+\.$/),
      expect.stringMatching(/^Expected an answer in JSON, got something else \(.+\)\.$/),
    ]);
  });

  it('fits anything when the schema says nothing', () => {
    expect([misfit('7', true), misfit('7', null)]).toEqual([null, null]);
  });
});

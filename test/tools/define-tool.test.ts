import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TroupeError } from '../../src/protocol/errors.ts';
import { defineTool, type ToolReturn } from '../../src/tools/define-tool.ts';
import { contextOf, scopeOf } from './patch-workspace.ts';

const context = contextOf('/work');
const addition = z.object({ a: z.number(), b: z.number().default(1) });

describe('defineTool', () => {
  it('gives execute the type that the schema gives', async () => {
    const add = defineTool({
      name: 'add',
      description: 'Adds.',
      input: addition,
      execute: ({ a, b }, scope) => `${(a + b).toFixed(1)} ${scope.callId}`,
    });
    const parsed = await add.parse({ a: 2 });
    expect(parsed).toEqual({ ok: true, input: { a: 2, b: 1 } });
    expect(await add.execute({ a: 2, b: 1 }, scopeOf(context))).toEqual({
      output: '3.0 call-1',
      success: true,
      item: { output: '3.0 call-1', status: 'completed' },
    });
    // @ts-expect-error the schema has no `c`
    defineTool({ name: 'x', description: '', input: addition, execute: ({ c }) => c });
  });

  it('derives the JSON Schema from the schema, without its $schema', () => {
    const tool = defineTool({ name: 'add', description: 'Adds.', input: addition, execute: () => '' });
    expect(tool.parameters).toEqual({
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number', default: 1 } },
      required: ['a'],
    });
    expect([tool.name, tool.description, tool.parallel]).toEqual(['add', 'Adds.', false]);
  });

  it('asks a schema for its JSON Schema once, however many tools are made of it', () => {
    let asked = 0;
    const { '~standard': standard } = onlyStandard;
    const input = {
      '~standard': {
        ...standard,
        jsonSchema: {
          input() {
            asked += 1;
            return { $schema: 'any', type: 'object', properties: { n: { type: 'integer' } } };
          },
        },
      },
    };
    const tools = ['a', 'b'].map((name) => defineTool({ name, description: '', input, execute: () => '' }));
    const told = { type: 'object', properties: { n: { type: 'integer' } } };
    expect([asked, ...tools.map(({ parameters }) => parameters)]).toEqual([1, told, told]);
  });

  it('takes the parameters that are given for a schema that cannot tell its own', async () => {
    const parameters = { type: 'object', properties: { n: { type: 'integer' } } };
    const tool = defineTool({ name: 'n', description: '', input: onlyStandard, parameters, execute: ({ n }) => n + 1 });
    expect(tool.parameters).toEqual(parameters);
    expect((await tool.execute({ n: 1 }, scopeOf(context))).output).toBe('2');
  });

  it('throws for a schema that cannot tell its JSON Schema, saying what to do', () => {
    const define = () => defineTool({ name: 'n', description: '', input: onlyStandard, execute: () => '' });
    expect(define).toThrow(TroupeError);
    expect(define).toThrow(
      'Expected the input schema of tool "n" to tell its JSON Schema (Standard JSON Schema, as Zod 4 does), got a schema ' +
        'of "by-hand" that does not. Give `parameters` (a JSON Schema) beside `input`.',
    );
  });

  it('throws for types that JSON does not have', () => {
    const input = z.object({ when: z.date() });
    expect(() => defineTool({ name: 'at', description: '', input, execute: () => '' })).toThrow(
      /input schema of tool "at" to have a JSON Schema, got: .*Date.*`parameters`/,
    );
  });

  it('throws for a schema that is no object at the top', () => {
    for (const input of [z.string(), z.discriminatedUnion('t', [z.object({ t: z.literal('a') })])]) {
      expect(() => defineTool({ name: 'x', description: '', input, execute: () => '' })).toThrow(
        /an object at the top/,
      );
    }
  });

  it.each(['', 'a b', 'a\nb', 'x'.repeat(65), 'naïve', '__proto__ '])('throws for the name %j', (name) => {
    expect(() => defineTool({ name, description: '', input: addition, execute: () => '' })).toThrow(
      /Expected the name of a tool to be 1 to 64 letters, digits, "_" or "-", got "/,
    );
  });

  it('says which key is wrong, what was expected and what came', async () => {
    const input = z.object({ plan: z.array(z.object({ status: z.enum(['open', 'done']), n: z.number().min(1) })) });
    const tool = defineTool({ name: 'plan', description: '', input, execute: () => '' });
    expect(await tool.parse({ plan: [{ status: 'gone', n: 0 }] })).toEqual({
      ok: false,
      message:
        'Invalid arguments for plan: plan[0].status: expected one of "open"|"done", got "gone"; ' +
        'plan[0].n: expected number to be >=1, got 0.',
    });
    expect(await tool.parse(null)).toEqual({
      ok: false,
      message: 'Invalid arguments for plan: input: expected object, got null.',
    });
    expect(await tool.parse({})).toEqual({
      ok: false,
      message: 'Invalid arguments for plan: plan: expected array, got nothing.',
    });
  });

  it('words a complaint that names no expectation, and cuts values and lists that are long', async () => {
    const input = z.strictObject({ 'a key': z.string().refine((text) => text === 'x', 'must be x') });
    const tool = defineTool({ name: 't', description: '', input, execute: () => '' });
    expect(await tool.parse({ 'a key': 'y'.repeat(100) })).toEqual({
      ok: false,
      message: `Invalid arguments for t: ["a key"]: expected something else (must be x), got "${'y'.repeat(59)}….`,
    });
    const list = defineTool({
      name: 'l',
      description: '',
      input: z.object({ l: z.array(z.string()) }),
      execute: () => '',
    });
    expect(await list.parse({ l: [1, 2, 3, 4, 5, 6, 7] })).toEqual({
      ok: false,
      message: expect.stringMatching(
        /^Invalid arguments for l: l\[0\]: .*l\[4\]: expected string, got 5; and 2 more\.$/,
      ),
    });
  });

  it('allows by default, and shows a tool_call', async () => {
    const tool = defineTool({ name: 'add', description: '', input: addition, execute: () => '' });
    expect(await tool.check({ a: 1, b: 1 }, context)).toEqual({ verdict: 'allow' });
    expect(tool.present({ a: 1, b: 1 }, { callId: 'c', context })).toEqual({
      type: 'tool_call',
      callId: 'c',
      name: 'add',
      arguments: { a: 1, b: 1 },
      output: '',
      status: 'in_progress',
    });
  });

  it('uses the check, the item and the parallel that the author gives', async () => {
    const tool = defineTool({
      name: 'add',
      description: '',
      input: addition,
      parallel: true,
      check: async ({ a }) => (a > 1 ? { verdict: 'refuse', message: 'too much' } : { verdict: 'allow' }),
      present: (_, { callId }) => ({ type: 'todo_list', callId, plan: [], status: 'in_progress' }),
      execute: () => 'done',
    });
    expect(tool.parallel).toBe(true);
    expect(await tool.check({ a: 2, b: 1 }, context)).toEqual({ verdict: 'refuse', message: 'too much' });
    expect(tool.present({ a: 1, b: 1 }, { callId: 'c', context }).type).toBe('todo_list');
    expect(await tool.execute({ a: 1, b: 1 }, scopeOf(context))).toEqual({ output: 'done', success: true });
  });

  interface Weather {
    degrees: number;
  }
  const weather: Weather = { degrees: 3 };
  const killed = { graceful: true, killed: 1, survivors: 0 };
  it.each<[string, ToolReturn, object]>([
    ['text', 'hello', { output: 'hello', success: true }],
    ['nothing', undefined, { output: '', success: true }],
    ['null', null, { output: 'null', success: true }],
    ['a number', 5, { output: '5', success: true }],
    ['a list', [1, { a: 2 }], { output: '[1,{"a":2}]', success: true }],
    ['an object of an interface', weather, { output: '{"degrees":3}', success: true }],
    ['an answer', { output: 'no', success: false, killed }, { output: 'no', success: false, killed }],
    [
      'an object that only looks like an answer',
      { output: 'x', more: 1 },
      { output: '{"output":"x","more":1}', success: true },
    ],
  ])('turns %s into a result', async (_, returned, result) => {
    const tool = defineTool({ name: 't', description: '', input: z.object({}), execute: async () => returned });
    expect(await tool.execute({}, scopeOf(context))).toMatchObject(result);
  });

  it('keeps the item that execute gives', async () => {
    const item = { output: 'for people', status: 'completed' as const };
    const tool = defineTool({
      name: 't',
      description: '',
      input: z.object({}),
      execute: () => ({ output: 'x', item }),
    });
    expect(await tool.execute({}, scopeOf(context))).toEqual({ output: 'x', success: true, item });
  });

  it('rejects with what execute throws, and with a clear error for what JSON cannot hold', async () => {
    const boom = new Error('boom');
    const throwing = () => {
      throw boom;
    };
    const run = (execute: () => ToolReturn) =>
      defineTool({ name: 't', description: '', input: z.object({}), execute }).execute({}, scopeOf(context));
    await expect(run(throwing)).rejects.toBe(boom);
    await expect(run(() => ({ n: 1n }))).rejects.toThrow(
      'Expected tool "t" to return text, { output } or something that',
    );
    await expect(run(() => () => 1)).rejects.toThrow('got a function.');
  });
});

const onlyStandard: StandardSchemaV1<{ n: number }> = {
  '~standard': { version: 1, vendor: 'by-hand', validate: () => ({ value: { n: 1 } }) },
};

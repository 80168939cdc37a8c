import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTool, type OnRequest } from '../../src/index.ts';
import { adversarialTools, conformance, type ToolSubject } from '../../src/testing/index.ts';

const weather = defineTool({
  name: 'weather',
  description: 'Tells the weather of a city.',
  input: z.object({ city: z.string() }),
  execute: ({ city }, { progress }) => {
    progress('Looking out of the window. ');
    return `It rains in ${city}.`;
  },
});

describe('a tool that keeps every promise', () => {
  for (const { name, run } of conformance({ tool: weather, input: { city: 'Ghent' } })) it(name, run);
});

/** The second line of each report: what happened. */
async function happenedTo(subject: Parameters<typeof conformance>[0]) {
  const happened: Record<string, string> = {};
  for (const { name, run } of conformance(subject))
    await run().catch((error: Error) => {
      happened[name] = error.message.split('\n')[1]?.replace('  What happened: ', '') ?? '';
    });
  return happened;
}

describe('a tool with a planted bug is told of: one that', () => {
  const bad = (name: string): ToolSubject => {
    const tool = adversarialTools[name];
    if (tool === undefined) throw new Error(`Expected an adversarial tool that ${name}, got none.`);
    return { tool, input: {}, withinMs: 300 };
  };
  it.each<[string, Record<string, string>]>([
    [
      'never settles',
      {
        'settles with a text': 'it had not settled after 300 ms.',
        'stops in time when it is aborted': 'it did not end at all.',
      },
    ],
    [
      'throws before it runs',
      { 'shows a call, and says what it asks, before it runs': 'its `present` threw: Error: The item broke.' },
    ],
    ['gives an output that is no text', { 'settles with a text': 'its output is of the type object.' }],
    ['returns nothing', {}],
  ])('%s', async (name, happened) => {
    expect(await happenedTo(bad(name))).toEqual(happened);
  });
});

describe('a policy', () => {
  const denies: OnRequest = ({ subject }) => (subject.kind === 'question' ? undefined : 'denied');
  for (const { name, run } of conformance({ policy: denies })) it(`that denies keeps every promise: ${name}`, run);

  it('that approves whatever it is asked, throws at a patch and never lets go of a permission is told of', async () => {
    const policy: OnRequest = ({ subject }) => {
      if (subject.kind === 'patch') throw new Error('Which patch?');
      return subject.kind === 'permissions' ? new Promise(() => {}) : 'approved';
    };
    expect(await happenedTo({ policy, withinMs: 50 })).toEqual({
      'decides in a way that fits: patch (3)': 'it threw: Error: Which patch?',
      'decides in a way that fits: question (4)':
        'it gave "approved". Expected a decision for a question request (answered, denied, abort), got "approved".',
      'decides in a way that fits: elicitation (6)':
        'it gave "approved". Expected a decision for a elicitation request (accept, decline, cancel, denied, abort), got "approved".',
      'lets go of a request that has ended': 'it still waited 50 ms after the end of a request (permissions).',
    });
  });
});

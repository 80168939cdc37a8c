import { describe, expect, it } from 'vitest';
import { updatePlanTool } from '../../src/tools/update-plan.ts';
import { contextOf, scopeOf } from './patch-workspace.ts';

const context = contextOf('/work');
const plan = [
  { step: 'Read', status: 'completed' },
  { step: 'Write', status: 'in_progress' },
  { step: 'Test', status: 'in_progress' },
];

describe('updatePlanTool', () => {
  it('shows the plan, also one with two steps in progress', async () => {
    const parsed = await updatePlanTool.parse({ explanation: 'Faster', plan });
    if (!parsed.ok) expect.fail(parsed.message);
    expect(updatePlanTool.present(parsed.input, { callId: 'c', context })).toEqual({
      type: 'todo_list',
      callId: 'c',
      plan,
      explanation: 'Faster',
      status: 'in_progress',
    });
    expect(await updatePlanTool.check(parsed.input, context)).toEqual({ verdict: 'allow' });
    expect(await updatePlanTool.execute(parsed.input, scopeOf(context))).toEqual({
      output: 'Plan updated',
      success: true,
      item: { status: 'completed' },
    });
  });

  it('has no explanation where none was given', () => {
    const item = updatePlanTool.present({ plan: [] }, { callId: 'c', context });
    expect(item).toStrictEqual({ type: 'todo_list', callId: 'c', plan: [], status: 'in_progress' });
  });

  it.each([
    [{}, 'plan: expected array, got nothing'],
    [{ plan: [{ step: 1, status: 'pending' }] }, 'plan[0].step: expected string, got 1'],
    [
      { plan: [{ step: 'a', status: 'done' }] },
      'plan[0].status: expected one of "pending"|"in_progress"|"completed", got "done"',
    ],
  ])('refuses %j', async (input, message) => {
    expect(await updatePlanTool.parse(input)).toEqual({
      ok: false,
      message: `Invalid arguments for update_plan: ${message}.`,
    });
  });

  it('tells the model its parameters', () => {
    expect(updatePlanTool.parameters).toMatchObject({ type: 'object', required: ['plan'] });
  });
});

import * as z from 'zod';
import { defineTool } from './define-tool.ts';

const planInput = z.object({
  explanation: z.string().optional(),
  plan: z
    .array(
      z.object({
        step: z.string(),
        status: z.enum(['pending', 'in_progress', 'completed']),
      }),
    )
    .describe('All steps of the plan, in order; this replaces the plan before.'),
});

/** Shows people the model's plan; it changes nothing else. */
export const updatePlanTool = defineTool({
  name: 'update_plan',
  description:
    'Shows the plan of the work to the user. Send the whole plan each time: its steps, in order, each with a status ' +
    '(pending, in_progress or completed; keep at most one in_progress), and, when the plan changes, a short explanation.',
  input: planInput,
  present: ({ plan, explanation }, { callId }) => ({
    type: 'todo_list',
    callId,
    plan,
    ...(explanation === undefined ? {} : { explanation }),
    status: 'in_progress',
  }),
  execute: () => ({ output: 'Plan updated', item: { status: 'completed' } }),
});

import { createSession } from '../../create-session.ts';
import type { TaskOutcome } from '../../protocol/outcomes.ts';
import type { SessionOptions } from '../../session-options.ts';
import type { TaskDefinitions } from '../../tasks/define-task.ts';
import type { Tool, ToolResult } from '../../tools/tool.ts';
import { scriptedModel } from '../scripted-model.ts';
import { type ConformanceCheck, checkOf, type Finding, within } from './check.ts';
import { CONFORMANCE_LIMITS } from './observe-kind.ts';

/** A tool that is looked at, and an input that it takes. */
export type ToolSubject = Readonly<{
  tool: Tool;
  input: object;
  /** More for its session. */
  options?: Partial<SessionOptions<TaskDefinitions>>;
  /** How long a call may take. Default 10,000 ms. */
  withinMs?: number;
}>;

type Seen = { result: ToolResult | null; late: string[]; calls: Promise<unknown>[]; hasEnded: boolean };
type Observed = Readonly<{ outcome: TaskOutcome | null; seen: Seen }>;

/** What a model may send instead of an input. */
const NO_INPUTS: readonly unknown[] = [
  undefined,
  null,
  0,
  'text',
  [],
  { '': {} },
  { __proto__: null, unknown: [[[]]] },
];
const VERDICTS = ['allow', 'ask', 'refuse'];

/** What every tool promises, whatever it does. */
export function toolChecks(subject: ToolSubject): readonly ConformanceCheck[] {
  const { tool, withinMs = 10_000 } = subject;
  const check = (name: string, look: () => Promise<Finding | null>) => checkOf(`The tool "${tool.name}"`, name, look);
  return [
    check('can be told to a model', async () => canBeTold(tool)),
    check('takes its input, and says what is wrong with others', () => takesInput(subject)),
    check('shows a call, and says what it asks, before it runs', () => showsItself(subject)),
    check('settles with a text', async () => {
      const { outcome, seen } = await observeTool(subject, 'let');
      if (outcome === null || (seen.result === null && seen.calls.length > 0)) {
        const happened = outcome === null ? `it had not settled after ${withinMs} ms.` : 'it threw.';
        return { expected: 'must settle with a text for the model', happened, remedy: THROWN };
      }
      const output: unknown = seen.result?.output ?? '';
      if (typeof output === 'string') return null;
      return {
        expected: 'must settle with a text for the model',
        happened: `its output is of the type ${typeof output}.`,
        remedy: 'Give a text, or use `defineTool`, which makes one of whatever JSON can hold.',
      };
    }),
    check('stops in time when it is aborted', async () => {
      const { outcome } = await observeTool(subject, 'abort');
      return stopped(outcome);
    }),
    check('uses nothing once its call has ended', async () => {
      for (const how of ['let', 'abort'] as const) {
        const { seen } = await observeTool(subject, how);
        if (seen.late.length === 0) continue;
        return {
          expected: 'must use nothing of its scope once its call has ended',
          happened: `it called ${[...new Set(seen.late)].join(', ')} after its end.`,
          remedy: 'Wait for all that it has begun before it returns, and stop all of that when `signal` is aborted.',
        };
      }
      return null;
    }),
  ];
}

const THROWN = 'Return what the model is to know of a failure, with `success: false`; what is thrown is a defect.';

function canBeTold({ name, description, parameters }: Tool): Finding | null {
  const wrong =
    (!/^[a-zA-Z0-9_-]{1,64}$/.test(name) && 'its name is not of letters, digits, "_" and "-"') ||
    (description.trim() === '' && 'it has no description') ||
    (parameters.type !== 'object' && 'its parameters are not an object of JSON Schema') ||
    null;
  if (wrong === null) return null;
  return {
    expected: 'must be told to a model',
    happened: `${wrong}.`,
    remedy: 'Use `defineTool`, which sees to that.',
  };
}

async function takesInput({ tool, input }: ToolSubject): Promise<Finding | null> {
  const remedy =
    'Validate in `parse` (`defineTool` does) and give { ok: false, message } for what the model is to mend.';
  const expected = 'must take its input, and say what is wrong with others';
  const own = await settled(() => tool.parse(input));
  if (own.threw !== null || !own.value.ok) {
    const happened = `it refused the input that was given here: ${own.threw ?? (own.value.ok ? '' : own.value.message)}`;
    return { expected, happened, remedy: 'Give an `input` that it takes.' };
  }
  for (const other of NO_INPUTS) {
    const result = await settled(() => tool.parse(other));
    if (result.threw !== null)
      return { expected, happened: `its \`parse\` threw for ${JSON.stringify(other)}: ${result.threw}`, remedy };
    if (!result.value.ok && result.value.message.trim() === '')
      return { expected, happened: `it refused ${JSON.stringify(other)} without a word.`, remedy };
  }
  return null;
}

async function showsItself({ tool, input }: ToolSubject): Promise<Finding | null> {
  const expected = 'must show a call, and say what it asks, before it runs';
  const remedy =
    '`present` and `check` look at the input alone; they do nothing, and do not throw for an input that is valid.';
  const parsed = await tool.parse(input);
  if (!parsed.ok) return null;
  const shown = await settled(async () => tool.present(parsed.input, { callId: 'call_1', context: CONTEXT }));
  if (shown.threw !== null) return { expected, happened: `its \`present\` threw: ${shown.threw}`, remedy };
  const check = await settled(() => tool.check(parsed.input, CONTEXT));
  if (check.threw !== null) return { expected, happened: `its \`check\` threw: ${check.threw}`, remedy };
  if (VERDICTS.includes(check.value.verdict)) return null;
  return { expected, happened: `its \`check\` gave ${JSON.stringify(check.value)}.`, remedy };
}

const CONTEXT = { model: 'scripted', cwd: process.cwd(), sandbox: 'read-only', approvalPolicy: 'on-request' } as const;

function stopped(outcome: TaskOutcome | null): Finding | null {
  const expected = `must stop by itself within its grace of ${CONFORMANCE_LIMITS.graceMs} ms when it is aborted`;
  const remedy = 'Hand `scope.signal` on to whatever takes time, and return as soon as it is aborted.';
  if (outcome === null) return { expected, happened: 'it did not end at all.', remedy };
  if (outcome.status !== 'aborted') return null;
  const { phases, unsettled } = outcome.receipt;
  if (unsettled === 0 && phases.every(({ phase }) => phase !== 'killing')) return null;
  return { expected, happened: 'its task had to be killed.', remedy };
}

/** Has a model call the tool once, in a session of its own. */
async function observeTool(subject: ToolSubject, how: 'let' | 'abort'): Promise<Observed> {
  const { tool, input, options = {}, withinMs = 10_000 } = subject;
  const seen: Seen = { result: null, late: [], calls: [], hasEnded: false };
  const watched: Tool = {
    ...tool,
    execute(parsed, scope) {
      const call = (async () => {
        seen.result = await tool.execute(parsed, {
          ...scope,
          progress: noted('progress', scope.progress),
          ask: noted('ask', scope.ask),
        });
        return seen.result;
      })();
      seen.calls.push(call);
      if (how === 'abort') queueMicrotask(() => void task.abort());
      return call;
    },
  };
  const noted =
    <A extends unknown[], R>(name: string, use: (...args: A) => R) =>
    (...args: A): R => {
      if (seen.hasEnded) seen.late.push(name);
      return use(...args);
    };
  const session = createSession<TaskDefinitions>({
    model: scriptedModel([{ call: { name: tool.name, arguments: input } }, { say: 'Done.' }]),
    rollout: 'off',
    checkpoints: 'off',
    onRequest: () => 'approved',
    ...options,
    limits: { ...CONFORMANCE_LIMITS, ...options.limits },
    tools: [...(options.tools ?? []), watched],
  });
  const task = session.run('Call it.');
  const ended = await within(task.outcome, withinMs);
  seen.hasEnded = true;
  // A call that outlives its task shows what it does then, before it returns.
  await within(Promise.allSettled(seen.calls), CONFORMANCE_LIMITS.graceMs);
  await within(session.close(), withinMs);
  return { outcome: ended?.value ?? null, seen };
}

async function settled<T>(run: () => Promise<T>): Promise<{ value: T; threw: null } | { threw: string }> {
  try {
    return { value: await run(), threw: null };
  } catch (error) {
    return { threw: String(error) };
  }
}

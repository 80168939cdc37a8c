import { resolve } from 'node:path';
import * as z from 'zod';
import { type CommandToCheck, checkCommand, factsOf } from '../policy/command-check.ts';
import { commandEnvironment, unaskedCommandEnvironment } from '../policy/command-environment.ts';
import { excerpt } from '../policy/excerpt.ts';
import { judgeCommand } from '../policy/judge-command.ts';
import type { PolicyPorts, Programs } from '../policy/programs.ts';
import { NO_RULES } from '../policy/rules.ts';
import { shellArgv } from '../policy/shell-argv.ts';
import type { Confinement, Proc, ProcessEnd } from '../process/port.ts';
import type { CallStatus, ItemDraft } from '../protocol/items.ts';
import type { TaskContext } from '../protocol/settings.ts';
import type { Tool, ToolResult, ToolScope } from './tool.ts';

/** What Linux takes as one argument (MAX_ARG_STRLEN, 128 KiB) without the NUL at its end. */
export const COMMAND_MAX_BYTES = 131_071;
export const TIMEOUT_DEFAULT_MS = 10_000;
export const TIMEOUT_MAX_MS = 3_600_000;
/** How much of the output the model is shown: half from the beginning, half from the end. */
export const MODEL_OUTPUT_BYTES = 10_240;
/** How much of the output people are shown. */
export const ITEM_OUTPUT_BYTES = 1_048_576;
/** A command that writes more than this (256 MiB) is stopped. */
export const OUTPUT_MAX_BYTES = 268_435_456;
/** How long a command may take to stop when it is told to. */
export const GRACE_MS = 100;
/** How many pieces of output are shown while a command runs; the item at its end has all of them. */
export const PROGRESS_CALLS_MAX = 10_000;
/** What a person reads at most of why the model wants something. */
const JUSTIFICATION_MAX_CHARACTERS = 4_000;

export type ShellOptions = Readonly<{
  /** The environment that commands get a few names of. */
  env: Readonly<Record<string, string>>;
  /** What is to confine a command of a task; `escalated` is one that was allowed more. */
  confine(context: TaskContext, escalated: boolean): Confinement;
  policy: PolicyPorts;
}>;

/** Lets the model run commands with `bash -c`. */
export function shellTool(proc: Proc, options: ShellOptions): Tool {
  return {
    name: 'shell',
    description: DESCRIPTION,
    parameters: PARAMETERS,
    parallel: false,
    async parse(input) {
      const parsed = shellInput.safeParse(input);
      if (parsed.success) return { ok: true, input: parsed.data };
      return { ok: false, message: parsed.error.issues.map(issueText).join('\n') };
    },
    present: (input, { callId, context }) => itemOf(callOf(input, context), callId),
    async check(input, context) {
      return checkCommand(await toCheck(proc, callOf(input, context), options, context));
    },
    async mayChangeFiles(input, context) {
      const call = callOf(input, context);
      if (context.sandbox === 'read-only' && !call.escalated) return false;
      // What a rule of the user allows need not be something that only reads.
      const facts = { ...factsOf(await toCheck(proc, call, options, context)), rules: NO_RULES };
      return judgeCommand(call.command, facts).verdict !== 'allow';
    },
    async execute(input, scope) {
      const call = callOf(input, scope.context);
      // With full access nothing depends on what the command is.
      const isFree = scope.context.sandbox === 'danger-full-access';
      const asked = isFree ? null : await toCheck(proc, call, options, scope.context);
      if (scope.signal.aborted) return abortedBeforeStart(call, scope.callId);
      const end = await run(proc, call, asked, options, scope);
      return resultOf(call, end, scope);
    },
  };
}

const DESCRIPTION =
  'Runs a command with `bash -c` and returns its exit code and output. It has no terminal and no standard input, and ' +
  'whatever it leaves running in the background is stopped when it ends. Long output is shortened in the middle. In the ' +
  'sandbox /tmp is empty at each start, and empty directories stand for names of agent and editor settings (`.vscode`, ' +
  '`.mcp.json`, …) that cannot be made.';

const PARAMETERS = {
  type: 'object',
  properties: {
    command: { type: 'string', description: 'The command, as one string for `bash -c`.' },
    workdir: {
      type: 'string',
      description: 'Where to run it; relative to the working directory, which is the default.',
    },
    timeout_ms: {
      type: 'integer',
      minimum: 1,
      maximum: TIMEOUT_MAX_MS,
      description: `How long it may take, in milliseconds. Default ${TIMEOUT_DEFAULT_MS}.`,
    },
    with_escalated_permissions: {
      type: 'boolean',
      description:
        'Whether to ask to run it outside the sandbox. Only when it cannot work inside; give a justification.',
    },
    justification: { type: 'string', description: 'One sentence for the person who is asked: why it is needed.' },
  },
  required: ['command'],
  additionalProperties: false,
};

const shellInput = z.object({
  command: z
    .string({ error: ({ input }) => (Array.isArray(input) ? ARRAY_MESSAGE : undefined) })
    .refine((command) => Buffer.byteLength(command) <= COMMAND_MAX_BYTES, {
      error: `Expected at most ${COMMAND_MAX_BYTES} bytes. Put long text into a file first, with a patch.`,
    }),
  workdir: z.string().nullish(),
  timeout_ms: z.int().min(1).max(TIMEOUT_MAX_MS).nullish(),
  with_escalated_permissions: z.boolean().nullish(),
  justification: z.string().max(JUSTIFICATION_MAX_CHARACTERS).nullish(),
});

const ARRAY_MESSAGE =
  'Expected one string for `bash -c`, got an array. Join the words into one string, quoted as a shell needs them.';

function issueText(issue: z.core.$ZodIssue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

/** A call as it will be run. */
type ShellCall = Readonly<{
  command: string;
  cwd: string;
  timeoutMs: number;
  escalated: boolean;
  justification: string | null;
}>;

function callOf(input: unknown, context: TaskContext): ShellCall {
  const { command, workdir, timeout_ms, with_escalated_permissions, justification } = shellInput.parse(input);
  return {
    command,
    cwd: resolve(context.cwd, workdir ?? ''),
    timeoutMs: timeout_ms ?? TIMEOUT_DEFAULT_MS,
    escalated: with_escalated_permissions ?? false,
    justification: justification ?? null,
  };
}

type CallToCheck = ShellCall & CommandToCheck & Readonly<{ programs: Programs }>;

async function toCheck(
  proc: Proc,
  call: ShellCall,
  { policy }: ShellOptions,
  context: TaskContext,
): Promise<CallToCheck> {
  const { sandbox, why, mend } = await proc.containment();
  const programs = policy.programs(context.cwd);
  const [grammar, rules] = await Promise.all([policy.grammar(), policy.rules()]);
  const facts = { available: sandbox, why, mend };
  return { ...call, context, programs, sandbox: facts, grammar, resolveProgram: programs.resolve, rules };
}

async function run(
  proc: Proc,
  call: ShellCall,
  asked: CallToCheck | null,
  options: ShellOptions,
  scope: ToolScope,
): Promise<ProcessEnd> {
  // Its programs are why nobody needed to be asked: it must get these.
  const unasked = asked !== null && judgeCommand(call.command, factsOf(asked)).verdict === 'allow';
  const wanted = options.confine(scope.context, call.escalated);
  const isOpen = wanted.type === 'sandbox' && (unasked || isApprovedOpen(scope)) && asked?.sandbox.available === false;
  let shown = 0;
  const running = proc.spawn({
    argv: shellArgv(call.command),
    cwd: call.cwd,
    env: unasked ? unaskedCommandEnvironment(options.env, asked.programs.path) : commandEnvironment(options.env),
    timeoutMs: call.timeoutMs,
    graceMs: GRACE_MS,
    keepBytes: ITEM_OUTPUT_BYTES,
    outputMaxBytes: OUTPUT_MAX_BYTES,
    confinement: isOpen ? { type: 'container' } : wanted,
    onOutput(text) {
      if (shown === PROGRESS_CALLS_MAX) return;
      shown += 1;
      scope.progress(text);
    },
  });
  const abort = () => running.kill(GRACE_MS);
  const release = scope.own?.(running);
  scope.signal.addEventListener('abort', abort, { once: true });
  try {
    return await running.ended;
  } finally {
    release?.();
    scope.signal.removeEventListener('abort', abort);
  }
}

/** Whether a person has agreed to run it although nothing confines it. Without that, a sandbox that is gone is no reason to run without. */
function isApprovedOpen({ approved }: ToolScope): boolean {
  return approved?.kind === 'command' && approved.sandbox === 'none';
}

function resultOf(call: ShellCall, end: ProcessEnd, scope: ToolScope): ToolResult {
  const status = statusOf(end, scope.signal.aborted);
  const ran = end.status !== 'not-started';
  return {
    output: textForModel(call, end, status),
    success: status === 'completed',
    item: itemOf(call, scope.callId, {
      exitCode: ran ? end.exitCode : null,
      output: end.error ?? end.output.text,
      status,
    }),
    ...(end.killed === null ? {} : { killed: end.killed }),
  };
}

function abortedBeforeStart(call: ShellCall, callId: string): ToolResult {
  return {
    output: 'aborted by user before the command was started',
    success: false,
    item: itemOf(call, callId, { exitCode: null, output: '', status: 'aborted' }),
  };
}

type Shown = Readonly<{ exitCode: number | null; output: string; status: CallStatus }>;

const NOT_ENDED: Shown = { exitCode: null, output: '', status: 'in_progress' };

function itemOf({ command, cwd }: ShellCall, callId: string, shown: Shown = NOT_ENDED): ItemDraft {
  return { type: 'command_execution', callId, command, cwd, ...shown };
}

function statusOf(end: ProcessEnd, aborted: boolean): CallStatus {
  if (aborted) return 'aborted';
  return end.status === 'exited' && end.exitCode === 0 ? 'completed' : 'failed';
}

function textForModel(call: ShellCall, end: ProcessEnd, status: CallStatus): string {
  const { text, totalBytes, truncated } = end.output;
  const shown = excerpt(text, MODEL_OUTPUT_BYTES, totalBytes);
  const seconds = end.durationMs / 1000;
  return [
    ...(end.status === 'timed-out' ? [`command timed out after ${call.timeoutMs} milliseconds`] : []),
    ...(end.status === 'output-limit' ? [`command was stopped: it wrote more than ${OUTPUT_MAX_BYTES} bytes`] : []),
    `Exit code: ${end.exitCode}`,
    `Wall time: ${seconds.toFixed(1)} seconds`,
    ...(truncated || shown !== text ? [`Total output: ${totalBytes} bytes`] : []),
    ...leftRunning(end),
    ...(end.notes ?? []),
    'Output:',
    end.error ?? (status === 'aborted' ? shown.replace(/\n$/, '') : shown),
    ...(status === 'aborted' ? [`aborted by user after ${Math.max(0.1, seconds).toFixed(1)} s`] : []),
  ].join('\n');
}

/** What the command left in the background; when it was stopped itself, that went with it. */
function leftRunning({ status, killed }: ProcessEnd): readonly string[] {
  if (killed === null) return [];
  const stopped = killed.killed > 0 && (status === 'exited' || status === 'signalled');
  return [
    ...(stopped ? [`Stopped in the background: ${killed.killed}`] : []),
    ...(killed.survivors > 0 ? [`Could not be stopped: ${killed.survivors}`] : []),
  ];
}

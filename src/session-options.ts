import * as z from 'zod';
import type { EventStream } from './channel/guarded.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { Model } from './model/port.ts';
import type { CommandRules } from './policy/rules.ts';
import type { SandboxSettings } from './policy/sandbox-profile.ts';
import type { Proc } from './process/port.ts';
import type { AgentRole, WhenTaskEnds } from './protocol/agents.ts';
import type { Budget } from './protocol/budget.ts';
import { TroupeError } from './protocol/errors.ts';
import type { SessionEvent } from './protocol/events.ts';
import type { ApprovalPolicy, Effort, Limits, SandboxMode } from './protocol/settings.ts';
import type { LogStore } from './rollout/log-store.ts';
import { type Clock, TIMER_MAX_MS } from './runtime/clock.ts';
import type { Ids } from './runtime/ids.ts';
import type { Prices } from './session/budget.ts';
import type { Session } from './session/handle.ts';
import type { Logger } from './session/log-events.ts';
import type { KeepRule, OnRequest } from './session/world.ts';
import type { TaskDefinitions } from './tasks/define-task.ts';
import type { BeforeToolCall } from './tasks/ports.ts';
import type { Files } from './tools/files.ts';
import type { Tool } from './tools/tool.ts';
import type { StoreLimits } from './workspace/checkpoint-store.ts';
import type { CheckpointLimits } from './workspace/scan.ts';

/** What `createSession` takes. All but `model` may be left out. */
export interface SessionOptions<T extends TaskDefinitions = Record<never, never>> {
  model: Model;
  /** What the model is told before everything else. Default `DEFAULT_INSTRUCTIONS`. */
  instructions?: string;
  /** Where tasks work; the process's own directory when left out. */
  cwd?: string;
  /** What commands may see, before the allow-list of names; the process's own environment when left out. */
  env?: Readonly<Record<string, string | undefined>>;
  effort?: Effort;
  /** Default `workspace-write`. */
  sandbox?: SandboxMode;
  /** How the sandbox differs from the usual one of its mode. */
  sandboxSettings?: SandboxSettings;
  /**
   * `on` when left out: each command is in a process namespace and dies with the session. `off` lets go of that where there is
   * no sandbox: what a command starts may then outlive it, and this process.
   */
  processContainer?: 'on' | 'off';
  /**
   * What a person has allowed and denied of commands; asked for with each one. None when left out. Give no rules here that a
   * project brings along, but to deny.
   */
  commandRules?: () => CommandRules | Promise<CommandRules>;
  /**
   * Keeps a rule that a person has approved a command with (`approved-with-rule`), for later sessions; gives null, or why it was
   * not kept. A rule that says less than the one that was shown is not given here. Without it, such a decision is for once.
   */
  keepCommandRule?: KeepRule;
  /** Default `on-request`. */
  approvalPolicy?: ApprovalPolicy;
  onRequest?: OnRequest;
  /** Kinds of task added to the built-in ones. */
  tasks?: T;
  /** Tools added to the built-in ones; one of the same name takes its place. */
  tools?: readonly Tool[];
  beforeToolCall?: BeforeToolCall;
  /**
   * `auto` (default): the state of the work tree is kept before a task first changes it, and after the task, so that an undo can tell
   * what the task did from what came later. `off`: only what is asked for (`session.snapshot()`). Or limits, which stand for `auto`.
   */
  checkpoints?: 'auto' | 'off' | Partial<CheckpointLimits & StoreLimits>;
  /** The agents that the model may start. Without any when `limits.agentsMax` or `limits.depthMax` is 0. */
  agents?: Readonly<{
    /** Kinds of agents added to the built-in ones (explorer, worker, reviewer); one of the same name takes its place. */
    roles?: Readonly<Record<string, AgentRole>>;
    /** What a task does with agents that still work when its model has nothing more to say. Default `join`. */
    whenTaskEnds?: WhenTaskEnds;
  }>;
  limits?: Partial<Limits>;
  /** How the session is logged: synced, only written, or not at all. Default `durable`. */
  rollout?: 'durable' | 'fast' | 'off';
  /** Where logs live; `TROUPE_HOME`, else the XDG state directory, when left out. */
  home?: string;
  /** What the tree may use in all; when it is used up, what runs is aborted with the reason `budget`. */
  budget?: Budget;
  /** By model, for `budget.usd`. */
  prices?: Prices;
  /** The project's file for agents, from the root of the work tree down to `cwd`, 32 KiB in all: data, not policy. Default `AGENTS.md`. */
  projectInstructions?: string | false;
  /** Told what happens, without contents: pino, console, or anything with these methods. */
  logger?: Logger;
  /** XState's inspect option, or an inspector object that has one; one that has `attach` as well is given the session. */
  inspect?: unknown;
  /** The world, for simulation and tests; each part is the machine's own when left out. */
  world?: Partial<WorldPorts>;
}

/** An inspector that looks at more than actors: it is given each session that is opened with it, and what that tells. */
export interface SessionInspector {
  readonly inspect: unknown;
  attach(session: Session, told$: EventStream<SessionEvent>): void;
}

/** The ports through which a session meets the world. */
export type WorldPorts = Readonly<{ clock: Clock; ids: Ids; files: Files; proc: Proc; logStore: LogStore }>;

const ms = z
  .number()
  .int()
  .min(0)
  .max(TIMER_MAX_MS, `Expected at most ${TIMER_MAX_MS} ms (24.8 days): longer timers fire at once.`);
const count = z.number().int().min(0).max(1_000_000_000);
const bytes = z.number().int().min(0);
const price = z.number().min(0);
const budget = z.strictObject({ tokens: count, usd: z.number().positive(), wallMs: ms, spawns: count });
const aFunction = z.custom((value) => typeof value === 'function', 'Expected a function.');
const anObject = z.custom((value) => typeof value === 'object' && value !== null, 'Expected an object.');

const schema = z.strictObject({
  model: z.custom(
    (value) => typeof value === 'object' && value !== null && 'sample' in value && typeof value.sample === 'function',
    'Expected a model: openaiModel({ … }), scriptedModel([ … ]), or an object with `sample`.',
  ),
  instructions: z.string().optional(),
  cwd: z.string().min(1).optional(),
  env: z.record(z.string(), z.string().optional()).optional(),
  effort: z.enum(['minimal', 'low', 'medium', 'high']).optional(),
  sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']).optional(),
  sandboxSettings: z
    .strictObject({
      network: z.boolean(),
      writableRoots: z.array(z.string().min(1)),
      protectedNames: z.array(z.string().regex(/^[^/\0]+$/, 'Expected the name of a file.')),
      hidden: z.array(z.string().min(1)),
    })
    .partial()
    .optional(),
  processContainer: z.enum(['on', 'off']).optional(),
  commandRules: aFunction.optional(),
  keepCommandRule: aFunction.optional(),
  approvalPolicy: z.enum(['untrusted', 'on-request', 'never']).optional(),
  onRequest: aFunction.optional(),
  tasks: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'Expected a kebab-case name.'), anObject).optional(),
  tools: z.array(anObject).optional(),
  beforeToolCall: aFunction.optional(),
  checkpoints: z
    .union([
      z.enum(['auto', 'off']),
      z
        .strictObject({
          untrackedFileMaxBytes: bytes,
          untrackedFilesMax: count.min(1),
          totalMaxBytes: bytes,
          durationMaxMs: ms,
          filesMax: count,
          bytesMax: bytes,
          checkpointsMax: count.min(1),
        })
        .partial(),
    ])
    .optional(),
  agents: z
    .strictObject({
      roles: z.record(
        z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'Expected a kebab-case name.'),
        z
          .strictObject({
            description: z.string().min(1),
            instructions: z.string(),
            tools: z.array(z.string()),
            sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']),
            effort: z.enum(['minimal', 'low', 'medium', 'high']),
            budget: budget.partial(),
          })
          .partial()
          .required({ description: true }),
      ),
      whenTaskEnds: z.enum(['join', 'detach', 'cancel']),
    })
    .partial()
    .optional(),
  limits: z
    .strictObject({
      graceMs: ms,
      killMs: ms,
      commitMs: ms,
      depthMax: count,
      agentsMax: count,
      requestTimeoutMs: ms.nullable(),
      requestsOpenMax: count.min(1).nullable(),
      requestsPerMinuteMax: count.min(1).nullable(),
    })
    .partial()
    .optional(),
  rollout: z.enum(['durable', 'fast', 'off']).optional(),
  home: z.string().min(1).optional(),
  inspect: z.unknown().optional(),
  budget: budget.partial().optional(),
  prices: z
    .record(z.string(), z.strictObject({ input: price, cachedInput: price.optional(), output: price }))
    .optional(),
  projectInstructions: z
    .union([z.literal(false), z.string().regex(/^[^/\0]+$/, 'Expected the name of a file.')])
    .optional(),
  logger: anObject.optional(),
  world: anObject.optional(),
});

/** Refuses what is not right before anything happens, naming the key. */
export function checkOptions(options: unknown): void {
  const result = schema.safeParse(options);
  if (result.success) return;
  const told = result.error.issues.map((issue) => {
    const key = issue.path.map(String).join('.') || 'options';
    return `${key}: ${issue.message}`;
  });
  throw new TroupeError('invalid-config', `createSession: ${told.join('; ')}`);
}

export function limitsOf(limits: Partial<Limits> | undefined): Limits {
  return limits === undefined ? DEFAULT_LIMITS : Object.freeze({ ...DEFAULT_LIMITS, ...limits });
}

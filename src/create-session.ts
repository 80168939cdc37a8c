import { homedir } from 'node:os';
import { resolve, sep } from 'node:path';
import { createActor, type InspectionEvent, type Observer } from 'xstate';
import { loadBashGrammar } from './here/bash-grammar.ts';
import { defaultHome } from './here/default-home.ts';
import { fileLogStore } from './here/file-log-store.ts';
import { type PatchApplier, patchApplier } from './here/patch-applier.ts';
import { findPrograms } from './here/program-resolver.ts';
import { systemFiles } from './here/system-files.ts';
import { type PlaceOptions, repositoryAt, workHistoryAt } from './here/work-history.ts';
import { DEFAULT_INSTRUCTIONS } from './instructions.ts';
import { type PolicyPorts, systemPrograms } from './policy/programs.ts';
import { type Redact, redactor, secretsIn } from './policy/redact.ts';
import { NO_RULES } from './policy/rules.ts';
import { confinementOf, sandboxProfile } from './policy/sandbox-profile.ts';
import type { Confinement } from './process/port.ts';
import { systemProc } from './process/system-proc.ts';
import type { AgentRole } from './protocol/agents.ts';
import { messageOf } from './protocol/errors.ts';
import type { HistoryEntry } from './protocol/history.ts';
import type { UserInput } from './protocol/input.ts';
import type { Path } from './protocol/path.ts';
import type { Limits, TaskContext } from './protocol/settings.ts';
import type { LogFile } from './rollout/log-store.ts';
import { systemClock } from './runtime/clock.ts';
import { createIds, systemIds, systemRng } from './runtime/ids.ts';
import { createSmallMap } from './runtime/small-map.ts';
import { bindClock } from './runtime/system-clock.ts';
import { type Book, openBook, type Resumed } from './session/book.ts';
import { followingOf, handleOf, type Session } from './session/handle.ts';
import { logEvents } from './session/log-events.ts';
import { sessionLogicFor } from './session/logic.ts';
import { orderOf } from './session/ordering.ts';
import { portsFor } from './session/ports.ts';
import { projectInstructions } from './session/project-instructions.ts';
import { createProtection } from './session/protection.ts';
import { createSlots } from './session/slots.ts';
import { bindWorld, bookOf, type World } from './session/world.ts';
import {
  checkOptions,
  limitsOf,
  type SessionInspector,
  type SessionOptions,
  type WorldPorts,
} from './session-options.ts';
import { AGENT_ROLES } from './tasks/agent-roles.ts';
import type { TaskDefinition, TaskDefinitions } from './tasks/define-task.ts';
import { builtinTasks } from './tasks/index.ts';
import { providePorts } from './tasks/ports.ts';
import { agentTools } from './tools/agents.ts';
import { applyPatchTool } from './tools/apply-patch/tool.ts';
import type { Files } from './tools/files.ts';
import { shellTool } from './tools/shell.ts';
import type { Tool } from './tools/tool.ts';
import { updatePlanTool } from './tools/update-plan.ts';

/** A session with the built-in kinds and those of the caller. */
export type SessionOf<T extends TaskDefinitions> = Session<typeof builtinTasks & T>;

/**
 * Opens a session. Nothing is read or written before the first task; what cannot be opened then fails that task, or
 * shows as `session.degraded`. Throws `TroupeError('invalid-config')` on options that make no sense.
 */
export function createSession<T extends TaskDefinitions = Record<never, never>>(
  options: SessionOptions<T>,
): SessionOf<T> {
  return openSession(options, NEW).session;
}

/** Where a session comes from: it is new, its log is there already, or it begins with a copy of another. */
export type Origin = Readonly<{
  sessionId?: string;
  path?: Path;
  resumed?: Resumed;
  /** Opens its log, where that is there. */
  open?: () => Promise<LogFile>;
  history?: readonly HistoryEntry[];
  forkedFrom?: Readonly<{ sessionId: string; seq: number }>;
  /** What was said and not taken. */
  inputs?: readonly Readonly<{ inputId: string; input: UserInput }>[];
}>;

const NEW: Origin = Object.freeze({});

/** Opens a session, and gives its book beside its handle. */
export function openSession<T extends TaskDefinitions>(
  options: SessionOptions<T>,
  origin: Origin,
): { session: SessionOf<T>; book: Book } {
  checkOptions(options);
  const {
    model,
    instructions = DEFAULT_INSTRUCTIONS,
    effort,
    beforeToolCall = null,
    onRequest = null,
    rollout = 'durable',
  } = options;
  const limits = limitsOf(options.limits);
  const ports = portsOfWorld(options);
  const { tools, patches } = toolboxOf(options, ports);
  const kinds = kindsOf(options.tasks);
  const context = sharedContext({
    model: model.name,
    cwd: options.cwd ?? process.cwd(),
    sandbox: options.sandbox ?? 'workspace-write',
    approvalPolicy: options.approvalPolicy ?? 'on-request',
    ...(effort === undefined ? {} : { effort }),
  });
  const place = placeOf(options, ports);
  const world: World = {
    clock: ports.clock,
    ids: ports.ids,
    log:
      rollout === 'off'
        ? null
        : { store: options.world?.logStore ?? fileLogStore(options.home ?? defaultHome()), mode: rollout },
    kinds,
    limits,
    onRequest,
    sessionLogic: sessionLogicFor(kinds),
    books: createSmallMap(),
    listeners: createSmallMap(),
    grants: null,
    handlers: null,
    resolved: null,
    workHistory: workHistoriesOf(place),
    protection: place === null || options.checkpoints === 'off' ? null : createProtection(),
    openGit: async (cwd) => (place === null ? NO_PLACE : repositoryAt(cwd, place)),
    slots: createSlots(),
    roles: rolesOf(options.agents),
    whenTaskEnds: options.agents?.whenTaskEnds ?? 'join',
    prices: options.prices ?? NOTHING,
    keepRule: options.keepCommandRule ?? null,
    redact: redactOf(options.env ?? process.env),
    preamble: preambleOf(options.projectInstructions ?? 'AGENTS.md', ports.files, patches, context),
  };
  const { sessionId = ports.ids.next(), resumed, open, history, forkedFrom, inputs = [] } = origin;
  const { path = Object.freeze([Object.freeze({ sessionId, kind: 'root' })]) } = origin;
  const book = openBook({
    world,
    id: sessionId,
    path,
    parent: null,
    settings: { model, instructions, context, tools, beforeToolCall, limits },
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(history === undefined ? {} : { history }),
    ...(resumed === undefined ? {} : { resumed }),
    ...(open === undefined ? {} : { open }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
  });
  const kept = inputs.map((one) => ({ ...one, order: orderOf(world, 'regular', one.input, context) }));
  const actor = createActor(world.sessionLogic, {
    id: 'root',
    clock: ports.clock,
    input: {
      sessionId,
      path,
      graceMs: limits.graceMs,
      killMs: limits.killMs,
      ...(kept.length === 0 ? {} : { inputs: kept }),
    },
    ...inspection(options.inspect),
  });
  if (ports.clock !== systemClock) bindClock(actor.system, ports.clock);
  bindWorld(actor.system, world);
  actor.start();
  if (options.logger !== undefined) logEvents(book, options.logger);
  const session = handleOf(book) as unknown as SessionOf<T>; // The handle serves every kind; which there are was checked above.
  if (wantsSessions(options.inspect)) options.inspect.attach(handleOf(book), followingOf(book));
  return { session, book };
}

providePorts((scope, sessionId, taskId) => portsFor(bookOf(scope, sessionId), taskId, scope));

const NOTHING = Object.freeze({});

let lastContext: TaskContext | null = null;

/** Sessions of one program mostly have the same settings: then they share them. */
function sharedContext(context: TaskContext): TaskContext {
  const { model, cwd, sandbox, approvalPolicy, effort } = lastContext ?? {};
  const isSame =
    context.model === model &&
    context.cwd === cwd &&
    context.sandbox === sandbox &&
    context.approvalPolicy === approvalPolicy &&
    context.effort === effort;
  if (lastContext === null || !isSame) lastContext = Object.freeze(context);
  return lastContext;
}

const redactors = new WeakMap<object, Redact>();

/** One for each environment: sessions are many, and their environment is mostly the same. */
function redactOf(env: Readonly<Record<string, string | undefined>>): Redact {
  const redact = redactors.get(env) ?? redactor(secretsIn(env));
  redactors.set(env, redact);
  return redact;
}

/** Where the work trees of a session are looked at; null in a world whose files or processes are not the machine's own. */
function placeOf(options: SessionOptions<TaskDefinitions>, { proc, clock }: Ports): PlaceOptions | null {
  const { env = process.env, home, sandboxSettings = {}, checkpoints, world } = options;
  if (world?.files !== undefined || world?.proc !== undefined) return null;
  return {
    proc,
    clock,
    path: env.PATH ?? '',
    userHomes: [...new Set([homedir(), env.HOME ?? homedir()])],
    home: resolve(home ?? defaultHome()),
    sandboxSettings,
    ...(typeof checkpoints === 'object' ? { limits: checkpoints } : {}),
  };
}

/** One for each directory, so that what it has read last is known. */
function workHistoriesOf(place: PlaceOptions | null): World['workHistory'] {
  const known = createSmallMap<string, ReturnType<World['workHistory']>>();
  return async (cwd) => {
    if (place === null) return NO_PLACE;
    const history = known.get(cwd) ?? workHistoryAt(cwd, place);
    known.set(cwd, history);
    return history;
  };
}

const NO_PLACE = { ok: false, why: 'this world has no work tree of its own' } as const;

/** What the model is told first, put together once for each working directory. */
function preambleOf(
  name: string | false,
  files: Files,
  patches: PatchApplier | null,
  context: TaskContext,
): World['preamble'] {
  const known = createSmallMap<string, Promise<readonly HistoryEntry[]>>();
  return (cwd) => {
    const entries = known.get(cwd) ?? readPreamble(name, files, recovered(patches, { ...context, cwd }), cwd);
    known.set(cwd, entries);
    return entries;
  };
}

async function readPreamble(
  name: string | false,
  files: Files,
  recovering: Promise<readonly HistoryEntry[]> | null,
  cwd: string,
): Promise<readonly HistoryEntry[]> {
  const cut = recovering === null ? [] : await recovering;
  return name === false ? cut : [...(await projectInstructions(files, name, cwd)), ...cut];
}

/** Undoes what an earlier run has left of a patch, unless nothing may be written here, and tells the model; null when there is nothing left. */
function recovered(patches: PatchApplier | null, context: TaskContext): Promise<readonly HistoryEntry[]> | null {
  if (patches === null || context.sandbox === 'read-only' || !patches.mayBeCut(context.cwd)) return null;
  const told = patches
    .recover(context)
    .catch((error: unknown) => [
      `Expected to be able to undo what an earlier run has left of a patch, got: ${messageOf(error)}.`,
    ]);
  return told.then((sentences) =>
    sentences.length === 0
      ? []
      : [{ type: 'message', role: 'user', content: [{ type: 'text', text: sentences.join('\n') }] }],
  );
}

type Ports = Omit<WorldPorts, 'logStore'>;

/** The machine's own ports. */
const here: Ports = {
  clock: systemClock,
  get ids() {
    return systemIds();
  },
  files: systemFiles,
  proc: systemProc(systemClock, { state: () => resolve(defaultHome()) }),
};

function portsOfWorld({ world }: SessionOptions<TaskDefinitions>): Ports {
  if (world === undefined) return here;
  const clock = world.clock ?? here.clock;
  return {
    clock,
    ids: world.ids ?? (world.clock === undefined ? here.ids : createIds(clock, systemRng)),
    files: world.files ?? here.files,
    proc: world.proc ?? (world.clock === undefined ? here.proc : systemProc(clock)),
  };
}

const builtinRoles: ReadonlyMap<string, AgentRole> = new Map(Object.entries(AGENT_ROLES));

/** The built-in kinds of agents, and those of the caller. */
function rolesOf(agents: SessionOptions<TaskDefinitions>['agents']): ReadonlyMap<string, AgentRole> {
  if (agents?.roles === undefined) return builtinRoles;
  return new Map([...builtinRoles, ...Object.entries(agents.roles)]);
}

const builtinKinds: ReadonlyMap<string, TaskDefinition> = new Map(Object.entries(builtinTasks as TaskDefinitions));
const kindSets = new WeakMap<TaskDefinitions, ReadonlyMap<string, TaskDefinition>>();

/** One map for each set of kinds, so that their logic is made once. */
function kindsOf(tasks: TaskDefinitions | undefined): ReadonlyMap<string, TaskDefinition> {
  if (tasks === undefined) return builtinKinds;
  const known = kindSets.get(tasks) ?? new Map([...builtinKinds, ...Object.entries(tasks)]);
  kindSets.set(tasks, known);
  return known;
}

/** The tools of a session, and what undoes cut patches; null where files or processes are not the machine's own. */
type Toolbox = Readonly<{ tools: ReadonlyMap<string, Tool>; patches: PatchApplier | null }>;

/** What was last put together: sessions of one program mostly have the same tools, and share them. */
let lastToolbox: Readonly<{ own: Toolbox; added: readonly Tool[]; all: Toolbox }> | null = null;

/** The built-in tools, and those of the caller. One map for all sessions that change nothing. */
function toolboxOf(options: SessionOptions<TaskDefinitions>, ports: Ports): Toolbox {
  const { tools, env, home, sandboxSettings, processContainer, commandRules, agents, limits, world } = options;
  const isUsual =
    [env, home, sandboxSettings, processContainer, commandRules, agents?.roles].every((one) => one === undefined) &&
    mayHaveAgents(limits) &&
    ports === here;
  const isReal = world?.files === undefined && world?.proc === undefined;
  const own = isUsual ? builtinToolbox() : toolboxFor(ports, isReal, options);
  if (tools === undefined) return own;
  const last = lastToolbox;
  const isSame = last?.own === own && tools.length === last.added.length;
  if (isSame && tools.every((tool, at) => tool === last.added[at])) return last.all;
  const all = { ...own, tools: new Map([...own.tools, ...tools.map((tool) => [tool.name, tool] as const)]) };
  lastToolbox = { own, added: [...tools], all };
  return all;
}

type ToolOptions = Pick<
  SessionOptions<TaskDefinitions>,
  'env' | 'home' | 'sandboxSettings' | 'processContainer' | 'commandRules' | 'agents' | 'limits' | 'world'
>;

function toolboxFor(
  { files, proc }: Ports,
  isReal: boolean,
  { env = process.env, home, sandboxSettings = {}, processContainer, commandRules, agents, limits, world }: ToolOptions,
): Toolbox {
  const known = env as Readonly<Record<string, string>>; // Names without a value have none to give on; the shell leaves them out.
  const userHomes = [...new Set([homedir(), known.HOME ?? homedir()])];
  const state = resolve(home ?? defaultHome());
  const places = { userHomes, state };
  const policy: PolicyPorts = {
    grammar: loadBashGrammar,
    programs: (workspace) => (world?.proc === undefined ? findPrograms(known, workspace) : systemPrograms),
    rules: async () => commandRules?.() ?? NO_RULES,
  };
  const confine = (context: TaskContext, escalated: boolean): Confinement => {
    const confinement = confinementOf(context, sandboxSettings, places, escalated);
    return confinement.type === 'container' && processContainer === 'off' ? { type: 'none' } : confinement;
  };
  const patches = isReal ? patchApplier({ proc, state, confine }) : null;
  const { protectedNames } = sandboxProfile({ cwd: sep, sandbox: 'read-only' }, sandboxSettings, places);
  const patchLimits = { writableRoots: sandboxSettings.writableRoots ?? [], protectedNames };
  const patch = applyPatchTool(files, { limits: patchLimits, ...(patches === null ? {} : { apply: patches.apply }) });
  const ofAgents = mayHaveAgents(limits) ? agentToolsFor(rolesOf(agents)) : [];
  const tools = [shellTool(proc, { env: known, policy, confine }), patch, updatePlanTool, ...ofAgents];
  return { tools: new Map(tools.map((tool) => [tool.name, tool])), patches };
}

const agentToolSets = new WeakMap<ReadonlyMap<string, AgentRole>, readonly Tool[]>();

/** Made once for each set of kinds of agents, with their schemas. */
function agentToolsFor(roles: ReadonlyMap<string, AgentRole>): readonly Tool[] {
  const known = agentToolSets.get(roles) ?? agentTools(roles);
  agentToolSets.set(roles, known);
  return known;
}

function mayHaveAgents({ depthMax, agentsMax }: Partial<Limits> = {}): boolean {
  return depthMax !== 0 && agentsMax !== 0;
}

const builtinToolbox = once(() => toolboxFor(here, true, {}));

function once<V>(make: () => V): () => V {
  let made: { value: V } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

type Inspect = ((event: InspectionEvent) => void) | Observer<InspectionEvent>;

function inspection(inspect: unknown): { inspect?: Inspect } {
  if (typeof inspect === 'function') return { inspect: inspect as Inspect };
  if (typeof inspect !== 'object' || inspect === null) return {};
  const inner = 'inspect' in inspect ? inspect.inspect : inspect;
  return { inspect: inner as Inspect }; // What XState takes: a function or an observer.
}

function wantsSessions(inspect: unknown): inspect is SessionInspector {
  return typeof inspect === 'object' && inspect !== null && 'attach' in inspect && typeof inspect.attach === 'function';
}

import { normalised } from '../history/normalise.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { UserInput } from '../protocol/input.ts';
import type { PortScope, SessionPorts } from '../tasks/ports.ts';
import { agentsFor } from './agents.ts';
import { ask } from './asking.ts';
import type { Book } from './book.ts';
import { commit, emit } from './commit.ts';
import { cutConversation } from './conversation.ts';
import { delegateTo } from './delegating.ts';
import { safe } from './gate.ts';
import { changesKept, protect } from './protection.ts';
import { spend, spentAt } from './spending.ts';
import { tell } from './telling.ts';
import { windowOf } from './window.ts';
import { committable, tellable } from './work-events.ts';

/** The ports of a task for one leaf of its work. All of them are void once the leaf is revoked or the task has ended. */
export function portsFor(book: Book, taskId: string, scope: PortScope): SessionPorts {
  const record = book.tasks.get(taskId);
  if (record === undefined)
    throw new TroupeError('closed', `Expected "${taskId}" to be running, got a task that has ended.`);
  const { order } = record;
  const { settings, world } = book;
  const isVoid = () => scope.revoked || record.revoked;
  const alive = () => {
    if (isVoid()) throw new TroupeError('closed', `The task ${taskId} has ended: its ports have no effect any more.`);
  };
  /** An abort was accepted: it was told, though this leaf may not have heard of it yet, as where the task was aborted as it began. */
  const isAborting = () => scope.signal.aborted || record.done.has('abort');
  /** Nothing starts after that. */
  const mayStart = () => {
    alive();
    if (isAborting())
      throw new TroupeError('rejected', `The task ${taskId} is being aborted: nothing starts any more.`);
  };

  return {
    taskId,
    input: order.input,
    workspace: order.context,
    clock: world.clock,
    tools: settings.tools,
    calls: record.calls,
    provider: settings.model.provider,
    uniqueCallId: (callId) => uniqueCallId(book, callId),
    beforeToolCall: settings.beforeToolCall,
    commit(event, append) {
      alive();
      const history = append === undefined ? undefined : ({ op: 'append', entries: append } as const);
      const sync = event.type === 'item.started';
      commit(book, committable(event), { taskId, sync, ...(history === undefined ? {} : { history }) });
    },
    emit(event) {
      if (!isVoid()) emit(book, tellable(event), taskId);
    },
    async ask(subject, options = {}) {
      mayStart();
      return ask(book, taskId, subject, { signal: scope.signal, ...options });
    },
    async delegate(spec) {
      mayStart();
      return delegateTo(book, record, spec, scope.self);
    },
    async sample(request, onProgress) {
      mayStart();
      const { model, instructions } = settings;
      const spent = spentAt(book);
      if (spent !== null) {
        return { status: 'failed', error: { code: 'budget-exceeded', message: spent, retryable: false }, usage: null };
      }
      const preamble = await world.preamble(order.context.cwd);
      if (isAborting()) return { status: 'aborted' };
      return model.sample(
        {
          instructions: order.context.instructions ?? instructions,
          history: [...preamble, ...normalised(book.history)],
          tools: [...settings.tools.values()],
          parallelToolCalls: true,
          cacheKey: book.id,
          ...(order.context.model === model.name ? {} : { model: order.context.model }),
          ...(order.context.effort === undefined ? {} : { effort: order.context.effort }),
          ...(order.context.outputSchema === undefined ? {} : { outputSchema: order.context.outputSchema }),
          ...request,
        },
        (progress) => {
          if (!isVoid()) onProgress(progress);
        },
        scope.signal,
      );
    },
    nextItemId: () => world.ids.next(),
    history: () => ({ entries: [...book.history], items: [...book.items] }),
    replaceHistory(entries, why) {
      alive();
      commit(
        book,
        { type: 'history.replaced', why, entries: entries.length },
        { taskId, history: { op: 'replace', entries } },
      );
    },
    get window() {
      return windowOf(book, order.context.model);
    },
    workHistory: () => world.workHistory(order.context.cwd),
    cutConversation(tasks) {
      alive();
      return cutConversation(book, taskId, tasks);
    },
    changesKept: (signal) => changesKept(book, signal),
    protect: (signal) => protect(book, record, signal),
    openGit: () => world.openGit(order.context.cwd),
    get isStopping() {
      return isAborting() || isVoid();
    },
    takeInputs() {
      alive();
      const kept = book.actor?.getSnapshot().context.inputs ?? [];
      if (kept.length === 0) return [];
      tell(book, { type: 'inputs.taken', inputIds: kept.map(({ inputId }: { inputId: string }) => inputId) });
      return kept.map(({ inputId, input }: { inputId: string; input: UserInput }) => ({ inputId, input }));
    },
    get hasInputs() {
      return (book.actor?.getSnapshot().context.inputs.length ?? 0) > 0;
    },
    countUsage(usage) {
      alive();
      spend(book, record, usage);
    },
    once(key) {
      if (record.done.has(key)) return false;
      record.done.add(key);
      return true;
    },
    safe: () => safe(book),
    keepRule: async (rule) => world.keepRule?.(rule) ?? 'nobody keeps rules here',
    redact: world.redact,
    get agents() {
      return agentsFor(book, record, mayStart);
    },
    grant(key) {
      world.grants ??= new Set();
      world.grants.add(key);
    },
    isGranted: (key) => world.grants?.has(key) === true,
  };
}

function uniqueCallId(book: Book, wanted: string): string {
  const base = wanted === '' ? `call_${book.world.ids.next()}` : wanted;
  let callId = base;
  book.callIds ??= new Set(book.history.flatMap((entry) => (entry.type === 'call' ? [entry.callId] : [])));
  for (let copy = 2; book.callIds.has(callId); copy += 1) callId = `${base}~${copy}`;
  book.callIds.add(callId);
  return callId;
}

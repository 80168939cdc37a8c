/** A change of the product's source that puts a defect in. `find` is there as often as `times` says (once when left out). */
export type Mutation = Readonly<{
  name: string;
  /** What goes wrong with it, in words. */
  words: string;
  of: 'the seed' | 'requests' | 'relay' | 'rollout' | 'kill';
  file: string;
  find: string;
  put: string;
  times?: number;
}>;

/**
 * The defects of the module that this project began with (the numbers are those of the list of them), each as it would be here; and
 * slips that are easily made in what must not fail.
 */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'S1',
    words: 'an abort tells the end of the task, and so does the task',
    of: 'the seed',
    file: 'src/session/logic.ts',
    find: "commit(book, { type: 'task.aborting', reason }, { taskId });",
    put: `commit(book, { type: 'task.aborting', reason }, { taskId });
        const receipt = { outcome: 'aborted', reason, phases: [], sessions: [], processes: { killed: 0, survivors: 0 }, unsettled: 0, requests: { withdrawn: [] }, queued: { kept: 0, dropped: 0 }, partial: { text: '', outputs: 0 } } as const;
        commit(book, { type: 'task.aborted', kind: record.order.kind, reason, receipt, usage: NO_USAGE }, { taskId, sync: true });`,
  },
  {
    name: 'S2',
    words: 'a task runs before it is known: its start is told after its first steps',
    of: 'the seed',
    file: 'src/session/logic.ts',
    find: "commit(book, { type: 'task.started', kind, input, context: frozen, ...place }, { taskId, sync: true });",
    put: `queueMicrotask(() => commit(book, { type: 'task.started', kind, input, context: frozen, ...place }, { taskId, sync: true }));`,
  },
  {
    name: 'S3',
    words: 'a work that has stopped wakes nobody: the whole grace is spent',
    of: 'the seed',
    file: 'machines/lifecycle.ts',
    find: "'work.settled': { target: 'cleanup', actions: 'noteReport' },\n              'work.done': 'cleanup',\n              'work.failed': 'cleanup',\n              'xstate.done.actor.work': { target: 'cleanup', actions: 'noteReport' },\n              'xstate.error.actor.work': 'cleanup',\n            },\n          },\n          killing:",
    put: '},\n          },\n          killing:',
  },
  {
    name: 'S4',
    words: 'what comes late from a task that has ended is told all the same',
    of: 'the seed',
    file: 'src/session/ports.ts',
    find: 'const isVoid = () => scope.revoked || record.revoked;',
    put: 'const isVoid = () => false;',
  },
  {
    name: 'S5',
    words: 'starts are not put in a row: the second takes the place of the first',
    of: 'the seed',
    file: 'machines/session.machine.ts',
    find: "guard: 'isReplacing',\n                target: 'replacing',\n                actions: [\n                  QUEUED,\n                  'addToQueue',",
    put: "guard: 'isReplacing',\n                target: 'replacing',\n                actions: [\n                  STARTED,\n                  'takeSlot',\n                  'announceStart',\n                  'spawnTask',",
  },
  {
    name: 'S6',
    words: 'nobody looks at what a work throws',
    of: 'the seed',
    file: 'src/runtime/leaf.ts',
    find: '(error: unknown) => finish(null, errorOf(error)),',
    put: '() => {},',
  },
  {
    name: 'S7',
    words: 'the end is told before the log has it',
    of: 'the seed',
    file: 'src/session/gate.ts',
    find: 'Promise.all([isFound(book, entry.event.seq ?? 0), Promise.allSettled(after)])',
    put: 'Promise.all([true, Promise.allSettled(after)])',
  },
  {
    name: 'S8',
    words: 'tasks are aborted one after the other, each with a grace of its own',
    of: 'the seed',
    file: 'machines/session-setup.ts',
    find: "for (const taskId of taskIds) enqueue.sendTo(slotOf(context, taskId).childId, { type: 'task.abort', ...abort });",
    put: `for (const [at, taskId] of taskIds.entries()) {
        const deadline = abort.deadline + at * context.graceMs;
        enqueue.sendTo(slotOf(context, taskId).childId, { type: 'task.abort', ...abort, deadline });
      }`,
  },
  {
    name: 'S9',
    words: 'what a task has opened is no part of its abort',
    of: 'the seed',
    file: 'machines/staged-work.ts',
    find: "actions: ['passToBody', 'passToDelegates', 'awaitAcknowledgements'] as const,",
    put: "actions: ['passToBody'] as const,",
  },
  {
    name: 'requests-ended-twice',
    words: 'a request that has ended can end again',
    of: 'requests',
    file: 'src/session/asking.ts',
    find: '  book.askings?.delete(requestId);\n  remember(',
    put: '  remember(',
  },
  {
    name: 'requests-never-closed',
    words: 'whoever was shown a request is not told that it has ended',
    of: 'requests',
    file: 'src/session/asking.ts',
    find: 'if (asking.isShown) announceClosed(book, requestId, resolution);',
    put: 'if (!asking.isShown) announceClosed(book, requestId, resolution);',
  },
  {
    name: 'relay-path',
    words: 'what a sub-session tells comes under the path of its parent',
    of: 'relay',
    file: 'src/channel/relay.ts',
    find: 'const path = stamped(event.path, up.childPath);',
    put: 'const path = up.childPath.slice(0, -1);',
  },
  {
    name: 'relay-closed',
    words: 'that a request below has ended does not climb',
    of: 'relay',
    file: 'src/channel/relay.ts',
    find: "if (announcement.type === 'closed') return up.closed(announcement);",
    put: "if (announcement.type === 'closed') return;",
  },
  {
    name: 'relay-drained',
    words: 'a parent does not wait until all of its sub-session has gone up',
    of: 'relay',
    file: 'src/session/logic.ts',
    find: 'child.drained = drained;',
    put: 'void drained;',
  },
  {
    name: 'rollout-sync',
    words: 'a record counts as synced when the sync begins',
    of: 'rollout',
    file: 'src/rollout/writer.ts',
    find: '    await file.sync();\n    synced = written;\n    settle();',
    put: '    synced = written;\n    settle();\n    await file.sync();',
  },
  {
    name: 'rollout-history',
    words: 'a change of history is not part of its record',
    of: 'rollout',
    file: 'src/session/gate.ts',
    find: '...(history === undefined ? {} : { history }) };',
    put: '};',
  },
  {
    name: 'rollout-open-items',
    words: 'a replay forgets that an item has completed',
    of: 'rollout',
    file: 'src/rollout/replay.ts',
    find: '      state.openItems.delete(body.item.id);\n',
    put: '',
  },
  {
    name: 'kill-unsent',
    words: 'a work is not killed when its grace is over',
    of: 'kill',
    file: 'machines/lifecycle.ts',
    find: "entry: [{ type: 'notePhase', params: { phase: 'killing' } }, 'killWork'],",
    put: "entry: [{ type: 'notePhase', params: { phase: 'killing' } }],",
  },
  {
    name: 'kill-left',
    words: 'a call that is aborted does not wait for the end of its process',
    of: 'kill',
    file: 'src/tools/shell.ts',
    find: 'return await running.ended;',
    put: `return await Promise.race([
      running.ended,
      new Promise<never>((_, reject) => scope.signal.addEventListener('abort', () => reject(new Error('aborted')))),
    ]);`,
  },
];

export function mutationNamed(name: string): Mutation {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation !== undefined) return mutation;
  throw new Error(`Expected the name of a mutation (${MUTATIONS.map((one) => one.name).join(', ')}), got "${name}".`);
}

/** The source with the mutation in it. Throws when it is not where it was. */
export function changed({ name, file, find, put, times = 1 }: Mutation, source: string): string {
  const found = source.split(find).length - 1;
  if (found === times) return source.replaceAll(find, () => put);
  throw new Error(
    `Expected the text of the mutation ${name} ${times} times in ${file}, found it ${found} times. The product has changed: say in mutations.ts where the defect would be now.`,
  );
}

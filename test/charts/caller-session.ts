import * as z from 'zod';
import type { SessionEvent } from '../../src/protocol/events.ts';
import type { Item } from '../../src/protocol/items.ts';
import type { Disposition, Receipt, TaskOutcome } from '../../src/protocol/outcomes.ts';
import type { SessionRequest } from '../../src/protocol/requests.ts';
import type { Task } from '../../src/session/task-handle.ts';
import { defineTask } from '../../src/tasks/define-task.ts';
import { type ScriptCall, type ScriptStep, watchRun, world } from '../../src/testing/index.ts';
import { expectLegalLogs } from '../legal-logs.ts';
import type { Act, Seen } from './caller-model.ts';

/** How many requests a model answers in one history: more than any makes. */
const REQUESTS_MAX = 1_000;

export type CallerSession = Readonly<{
  /** Does it, and lets the world come to rest. */
  act(act: Act): Promise<void>;
  seen(): Seen;
  /** Closes it; gives what was broken of what holds in every run. Throws when a log is no legal trace. */
  close(): Promise<readonly unknown[]>;
}>;

/** A session in a simulated world, and one who does to it what a caller can do. The seed says how long things take. */
export function openCallerSession(seed: number): CallerSession {
  const simulated = world(`caller ${seed}`);
  simulated.command(/^ls$|^touch /, {});
  const steps: ((step: ScriptStep) => void)[] = [];
  const endings: (() => void)[] = [];
  const model = simulated.model(
    Array.from({ length: REQUESTS_MAX }, () => () => new Promise<ScriptStep>((resolve) => void steps.push(resolve))),
  );
  const beside = defineTask({
    input: z.object({ label: z.string() }),
    placement: 'beside',
    work: (_input, _ports, signal) =>
      new Promise<object>((resolve) => {
        const end = () => resolve({});
        endings.push(end);
        signal.addEventListener('abort', () => {
          endings.splice(endings.indexOf(end), 1);
          end();
        });
      }),
  });
  const session = simulated.open({
    model,
    tasks: { beside },
    checkpoints: 'off',
    projectInstructions: false,
    approvalPolicy: 'on-request',
  });
  const run = watchRun();
  const tasks: Task[] = [];
  const asked: string[] = [];
  const labels = new Map<string, string>();
  const told: Record<string, string[]> = {};
  const outcomes: Record<string, string> = {};
  let foreground = '';
  let reply = '';
  let count = 0;
  let commands = 0;
  session.requests$.subscribe(({ id }) => void asked.push(id));
  session.events$.subscribe((event) => {
    run.event(event);
    if (event.seq === null || event.taskId === undefined) return;
    if (event.type === 'task.started') labels.set(event.taskId, labelOf(event.input));
    if (event.type === 'task.started' && event.placement !== 'beside') foreground = event.taskId;
    const words = wordsOf(event);
    const label = labels.get(event.taskId) ?? event.taskId;
    if (words === null) return;
    told[label] ??= [];
    told[label].push(words);
  });

  const label = () => `Do ${count}.`;
  const keep = (task: Task) => {
    const mine = label();
    tasks.push(task);
    task.outcome.then((outcome) => {
      outcomes[mine] = outcomeWords(outcome);
    });
    reply = dispositionWords(task.disposition);
  };
  const start = (whenBusy: 'queue' | 'replace' | 'reject') => {
    count += 1;
    keep(session.run(label(), { whenBusy }));
  };
  const says = (step: ScriptStep) => steps.splice(0).at(-1)?.(step);
  const calls = (...texts: readonly string[]) => says({ call: texts.map(shellCall) });
  const asks = (many: number) => {
    calls(...Array.from({ length: many }, (_, at) => `touch f${commands + at}`));
    commands += many;
  };
  const decide = (decision: 'approved' | 'denied' | 'abort') => {
    reply = session.answer(session.pending()[0]?.id ?? '', decision);
  };
  const later = <T>(promise: Promise<T>, words: (value: T) => string) =>
    void promise.then((value) => {
      reply = words(value);
    });

  const DO: Readonly<Record<Exclude<Act['type'], 'abort'>, () => void>> = {
    run: () => start('queue'),
    'run in its place': () => start('replace'),
    'run unless busy': () => start('reject'),
    'start beside'() {
      count += 1;
      keep(session.start('beside', { label: label() }));
    },
    steer() {
      count += 1;
      reply = dispositionWords(session.steer(label()));
    },
    cancel: () => session.task(foreground)?.cancel(),
    'abort what is in the foreground'() {
      const task = session.task(foreground);
      if (task !== null) later(task.abort(), receiptWords);
    },
    interrupt: () => later(session.interrupt(), receiptWords),
    close: () => later(session.close(), () => 'closed'),
    'the model answers': () => says({ say: ['Y', 'es.'] }),
    'the model says half and hangs': () => says({ say: ['H', 'a'], hang: true }),
    'the model fails': () => says({ fail: {} }),
    'the model looks': () => calls('ls'),
    'the model asks': () => asks(1),
    'the model asks twice': () => asks(2),
    'the model asks for it': () => calls('touch it'),
    approve: () => decide('approved'),
    deny: () => decide('denied'),
    'decide to abort': () => decide('abort'),
    'answer the last one again'() {
      reply = session.answer(asked.at(-1) ?? '', 'approved');
    },
    'answer what was never asked'() {
      reply = session.answer('req_unknown', 'approved');
    },
    'the oldest beside ends': () => endings.shift()?.(),
  };

  return {
    async act(act) {
      reply = '';
      if (act.type === 'abort') {
        const task = tasks[act.which % tasks.length];
        if (task !== undefined) later(task.abort(), receiptWords);
      } else DO[act.type]();
      await simulated.run();
    },
    seen() {
      const items = session.history();
      return {
        reply,
        outcomes: { ...outcomes },
        told: structuredClone(told),
        history: items.filter(({ type }) => type !== 'interruption').map(itemWords),
        interruptions: items.filter(({ type }) => type === 'interruption').length,
        pending: session.pending().map(requestWords),
        waiting: session
          .waitingOn()
          .map(({ cause }) => cause)
          .toSorted(),
        requests: model.requests.length,
      };
    },
    async close() {
      await simulated.settled(session.close());
      await simulated.run();
      await expectLegalLogs(simulated.logStore);
      return run.end();
    },
  };
}

const shellCall = (command: string): ScriptCall => ({ name: 'shell', arguments: { command } });

function labelOf(input: unknown): string {
  return typeof input === 'string' ? input : Object(input).label;
}

function wordsOf(event: SessionEvent): string | null {
  switch (event.type) {
    case 'task.started':
      return 'started';
    case 'task.aborting':
      return `aborting ${event.reason}`;
    case 'task.completed':
    case 'task.failed':
    case 'task.aborted':
      return event.type.replace('task.', '');
    case 'request.opened':
      return `opened ${requestWords(event.request)}`;
    case 'request.resolved':
      return `resolved ${event.resolution.how}`;
    default:
      return null;
  }
}

function requestWords({ subject }: SessionRequest): string {
  return subject.kind === 'command' ? (subject.argv.at(-1) ?? '') : subject.kind;
}

function outcomeWords(outcome: TaskOutcome): string {
  if (outcome.status === 'aborted') return `aborted ${outcome.reason}`;
  if (outcome.status === 'failed') return `failed ${outcome.error.code}`;
  return `completed ${outcome.answer}`;
}

function dispositionWords(disposition: Disposition): string {
  return disposition.disposition === 'rejected' ? `rejected ${disposition.reason}` : disposition.disposition;
}

function receiptWords({ outcome, reason, requests, partial }: Receipt): string {
  const withdrawn = requests.withdrawn.length === 0 ? '' : `, ${requests.withdrawn.length} withdrawn`;
  const said = partial.text === '' ? '' : `, said ${partial.text}`;
  return reason === undefined ? outcome : `${outcome} ${reason}${withdrawn}${said}`;
}

function itemWords(item: Item): string {
  const partial = item.partial ? ' (partial)' : '';
  if (item.type === 'user_message') return `user ${item.text}`;
  if (item.type === 'agent_message') return `agent ${item.text}${partial}`;
  if (item.type === 'command_execution') return `command ${item.command} ${item.status}`;
  return item.type === 'tool_call' ? `call ${item.name} ${item.status}` : item.type;
}

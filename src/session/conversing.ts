import type { DelegateOp } from '../../machines/delegate.machine.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { StartOrder } from '../protocol/messages.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import type { TaskContext } from '../protocol/settings.ts';
import type { DelegateSpec, SubSession } from '../tasks/ports.ts';
import type { Book } from './book.ts';
import { steer } from './steering.ts';

/** How a conversation reaches its delegate. */
type Line = Readonly<{
  orderFor(kind: string, input: unknown, context: Partial<TaskContext>): StartOrder;
  tell(op: DelegateOp): void;
}>;

type Conversation = Readonly<{
  /** Learns what becomes of a task; the first one that does begins the conversation, if there is to be one. */
  follow(order: StartOrder): void;
  /** The sub-session has closed; gives the outcome of its last task, `otherwise` when none of them had one. Rejects as `converse` did. */
  over(otherwise: TaskOutcome): Promise<TaskOutcome>;
}>;

/** What the work that has opened a sub-session says in it, task by task; nothing after the first when it says nothing. */
export function converse(child: Book, spec: Pick<DelegateSpec, 'converse'>, { orderFor, tell }: Line): Conversation {
  const { world } = child;
  let last: TaskOutcome | null = null;
  let isOver = false;
  /** Learns the outcome of the task that runs; null while none does. */
  let learn: ((outcome: TaskOutcome) => void) | null = null;
  let talk: Promise<void> | null = null;

  const sub: SubSession = {
    id: child.id,
    run(input, { kind = 'regular', context = {} } = {}) {
      if (learn !== null)
        throw new TroupeError(
          'busy',
          'Expected one task of a sub-session at a time, got a second one before the first was over.',
        );
      if (isOver) throw new TroupeError('closed', 'Expected a sub-session that is open, this one has closed.');
      const order = orderFor(kind, input, context);
      return new Promise((resolve) => {
        learn = resolve;
        follow(order);
        tell({ type: 'delegate.start', order, at: world.clock.now() });
      });
    },
    steer: (input) => steer(child, input),
    history: () => [...child.items],
  };
  const begin = async (first: TaskOutcome): Promise<void> => {
    try {
      await spec.converse?.(sub, first);
    } finally {
      tell({ type: 'delegate.end', at: world.clock.now() });
    }
  };
  const decided = (outcome: TaskOutcome): void => {
    last = outcome;
    const tellIt = learn;
    learn = null;
    tellIt?.(outcome);
    if (talk !== null || spec.converse === undefined) return;
    // Not from within the transition that has decided.
    talk = Promise.resolve().then(() => begin(outcome));
    talk.catch(() => {}); // Told when the sub-session has closed.
  };
  const follow = (order: StartOrder): void => {
    world.listeners.set(order.taskId, { disposed: () => {}, decided, ended: () => {} });
  };

  return {
    follow,
    async over(otherwise) {
      isOver = true;
      learn?.(otherwise);
      learn = null;
      if (talk !== null) await talk;
      return last ?? otherwise;
    },
  };
}

import type { UserInput } from '../protocol/input.ts';
import type { Disposition } from '../protocol/outcomes.ts';
import type { Book } from './book.ts';
import { orderOf } from './ordering.ts';
import { tell } from './telling.ts';

/** Says something to a session: to the task that runs, or as the next one. Not from within a transition of its chart. */
export function steer(book: Book, input: UserInput): Disposition {
  const { world, settings } = book;
  const order = orderOf(world, 'regular', input, settings.context);
  const answers: Disposition[] = [];
  world.listeners.set(order.taskId, { disposed: (told) => answers.push(told), decided: () => {}, ended: () => {} });
  tell(book, { type: 'op.steer', kept: { inputId: world.ids.next(), input, order }, at: world.clock.now() });
  const [disposition = { disposition: 'rejected', reason: 'closed' }] = answers;
  if (disposition.disposition === 'rejected' || disposition.disposition === 'steered')
    world.listeners.delete(order.taskId);
  return disposition;
}

/** The same without an answer, from anywhere; gives the id of the input. */
export function sayTo(book: Book, input: UserInput): string {
  const { world, settings } = book;
  const inputId = world.ids.next();
  const order = orderOf(world, 'regular', input, settings.context);
  tell(book, { type: 'op.steer', kept: { inputId, input, order }, at: world.clock.now() });
  return inputId;
}

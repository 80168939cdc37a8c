import * as z from 'zod';
import { messageOf } from '../protocol/errors.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import { defineTool } from '../tools/define-tool.ts';
import type { Tool, ToolScope } from '../tools/tool.ts';
import type { Book } from './book.ts';
import type { Session } from './handle.ts';

export type AsToolOptions = Readonly<{
  name: string;
  /** What a model is told about it. */
  description: string;
  /** How long a call may take, in ms; then its task is aborted and the call is answered `expired`. As long as it takes when left out. */
  timeoutMs?: number;
}>;

/** What a call came to; there is always one. `text` is for the model. */
export type SessionToolAnswer = Readonly<{ status: 'completed' | 'failed' | 'interrupted' | 'expired'; text: string }>;

/** A session as a tool: of another session (`tools: [tool]`), or, by `call`, of any loop and any framework. */
export interface SessionTool extends Tool {
  /** Runs a task with what the model has sent (an object, or its JSON) and answers, whatever comes. Never rejects. */
  call(input: unknown, options?: { signal?: AbortSignal }): Promise<SessionToolAnswer>;
}

const input = z.object({
  message: z
    .string()
    .refine((text) => text.trim() !== '', 'expected some words')
    .describe('What is to be done, with all that has to be known for it.'),
});

/** Makes a tool of a session. Calls that come at once wait for each other: a session does one thing at a time. */
export function sessionTool(book: Book, session: Session, options: AsToolOptions): SessionTool {
  const { name, description, timeoutMs } = options;
  const run = async (message: string, signal: AbortSignal | null): Promise<SessionToolAnswer> => {
    const controller = new AbortController();
    const stop = () => controller.abort(signal?.reason);
    const { clock } = book.world;
    const timer =
      timeoutMs === undefined
        ? null
        : clock.setTimeout(() => controller.abort(new DOMException('Time is up.', 'TimeoutError')), timeoutMs);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
    const task = session.start('regular', message, { whenBusy: 'queue', signal: controller.signal });
    const outcome = await task.outcome;
    signal?.removeEventListener('abort', stop);
    if (timer !== null) clock.clearTimeout(timer);
    return answerOf(outcome);
  };
  const tool = defineTool({
    name,
    description,
    input,
    async execute({ message }, scope) {
      const stopPassing = passRequests(book, session, scope);
      try {
        const { status, text } = await run(message, scope.signal);
        return { output: text, success: status === 'completed' };
      } finally {
        stopPassing();
      }
    },
  });
  return {
    ...tool,
    async call(sent, { signal } = {}) {
      try {
        const parsed = await tool.parse(typeof sent === 'string' ? JSON.parse(sent) : sent);
        if (!parsed.ok) return { status: 'failed', text: parsed.message };
        return await run((parsed.input as z.infer<typeof input>).message, signal ?? null); // The tool has just validated it.
      } catch (error) {
        return { status: 'failed', text: `Invalid call of ${name}: ${messageOf(error)}` };
      }
    },
  };
}

/** What the session asks while it is a tool of another is asked there, unless somebody answers for it already. */
function passRequests(book: Book, session: Session, scope: ToolScope): () => void {
  if (book.world.onRequest !== null) return () => {};
  const passing = session.requests$.subscribe((request) => {
    const reason = request.reason === undefined ? {} : { reason: request.reason };
    scope.ask(request.subject, reason).then(
      (decision) => session.answer(request.id, decision),
      () => {}, // The call was stopped, and with it what has asked: its request is withdrawn.
    );
  });
  return () => passing.unsubscribe();
}

function answerOf(outcome: TaskOutcome): SessionToolAnswer {
  switch (outcome.status) {
    case 'completed':
      return { status: 'completed', text: outcome.answer ?? 'It is done; there is nothing to say about it.' };
    case 'failed':
      return { status: 'failed', text: `It failed (${outcome.error.code}): ${outcome.error.message}` };
    case 'aborted':
      return outcome.reason === 'timeout'
        ? { status: 'expired', text: 'It took too long and was stopped. Things may have been done in part.' }
        : {
            status: 'interrupted',
            text: `It was stopped (${outcome.reason}) before it had finished. Things may have been done in part.`,
          };
    default:
      return outcome satisfies never;
  }
}

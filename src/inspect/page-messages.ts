import * as z from 'zod';
import type { PageMessage } from './view/wire.ts';

const id = z.string().max(200);
const decision = z.union([
  z.enum(['approved', 'approved-for-session', 'denied', 'abort']),
  z.object({ decision: z.literal('approved'), count: z.number().int().min(1) }),
  z.object({ decision: z.literal('approved-with-rule'), rule: z.array(z.string()) }),
  z.object({ decision: z.literal('denied'), all: z.literal(true), message: z.string().optional() }),
  z.object({ decision: z.literal('denied'), message: z.string() }),
  z.object({ decision: z.literal('answered'), answers: z.record(z.string(), z.unknown()) }),
  z.object({ decision: z.literal('granted'), permissions: z.unknown(), scope: z.enum(['task', 'session']) }),
  z.object({ decision: z.enum(['accept', 'decline', 'cancel']), content: z.unknown().optional() }),
]);

const shape = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('look'),
    sessionId: id.nullable(),
    actorId: id.nullable(),
    charts: z.array(z.string().max(500)).max(100),
  }),
  z.object({
    type: z.literal('wish'),
    id: z.number().int(),
    wish: z.discriminatedUnion('do', [
      z.object({ do: z.literal('answer'), sessionId: id, requestId: id, decision }),
      z.object({ do: z.literal('interrupt'), sessionId: id }),
      z.object({ do: z.literal('abort'), sessionId: id, taskId: id }),
      z.object({ do: z.literal('cancel'), sessionId: id, taskId: id }),
      z.object({ do: z.literal('steer'), sessionId: id, text: z.string().min(1) }),
      z.object({ do: z.literal('go'), position: z.number() }),
      z.object({ do: z.literal('fork'), sessionId: id }),
    ]),
  }),
]);

/** A message of a page; null when the text is none. */
export function readPageMessage(text: string): PageMessage | null {
  try {
    const parsed = shape.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as PageMessage) : null; // Zod makes optional members `| undefined`; they are left out.
  } catch {
    return null; // Not JSON.
  }
}

import type { Envelope } from './envelope.ts';
import type { FileChange } from './items.ts';

export type Question = Readonly<{ id: string; header?: string; question: string; options?: readonly string[] }>;

/** What a request is about: exactly what will happen if it is approved, and nothing else. */
export type RequestSubject =
  | Readonly<{
      kind: 'command';
      /** What is executed, word for word. */
      argv: readonly string[];
      /** The same, made safe to show to a person. */
      shown: string;
      cwd: string;
      sandbox: string;
      escalated: boolean;
      suggestedRule?: readonly string[];
    }>
  | Readonly<{ kind: 'patch'; changes: readonly FileChange[]; outsideWorkspace: readonly string[] }>
  | Readonly<{ kind: 'question'; questions: readonly Question[] }>
  | Readonly<{ kind: 'permissions'; permissions: Readonly<Record<string, unknown>> }>
  | Readonly<{ kind: 'elicitation'; server: string; message: string; schema: unknown }>;

/** A question that a session asks. `boundTo` is the hash (SHA-256, hex) of what an approval would let happen. */
export type SessionRequest = Envelope &
  Readonly<{
    id: string;
    callId?: string;
    reason?: string;
    expiresAt?: string;
    boundTo: string;
    /** How often it is asked, when that is more than once: one decision is for all of them. */
    count?: number;
    subject: RequestSubject;
  }>;

/** The answer to a request. */
export type Decision =
  | 'approved'
  | 'approved-for-session'
  | 'denied'
  | 'abort'
  | Readonly<{ decision: 'approved'; edited: unknown }>
  /** As often as this and no more; what is asked more often is shown again. */
  | Readonly<{ decision: 'approved'; count: number }>
  | Readonly<{ decision: 'approved-with-rule'; rule: readonly string[] }>
  | Readonly<{ decision: 'denied'; message: string }>
  | DenyAll
  | Readonly<{ decision: 'answered'; answers: Readonly<Record<string, unknown>> }>
  | Readonly<{ decision: 'granted'; permissions: unknown; scope: 'task' | 'session' }>
  | Readonly<{ decision: 'accept' | 'decline' | 'cancel'; content?: unknown }>;

/**
 * Denies this, and all that its session and those below it ask from now on: for a sub-session until it closes, for the
 * root until the task that asked has ended.
 */
export type DenyAll = Readonly<{ decision: 'denied'; all: true; message?: string }>;

/** Why a request was opened and not put in front of people: yet, or at all. */
export type Unshown =
  /** Too many are; it is shown when its turn comes (`request.shown`). */
  | Readonly<{ why: 'queued' }>
  /** The same is asked already, by the request `as`, whose decision is for both. */
  | Readonly<{ why: 'same'; as: string }>
  /** It was denied before. */
  | Readonly<{ why: 'denied' }>;

/** What became of an answer. */
export type Answered = 'accepted' | 'already-resolved' | 'unknown-request' | 'withdrawn';

/** How a request ended; each ends exactly once. */
export type Resolution =
  | Readonly<{ how: 'answered'; decision: Decision; by: 'client' | 'policy' | 'nobody' }>
  | Readonly<{ how: 'withdrawn'; why: string }>
  | Readonly<{ how: 'expired' }>;

/** The word of a decision, whatever its form. */
export function decisionWord(decision: Decision): string {
  return typeof decision === 'string' ? decision : decision.decision;
}

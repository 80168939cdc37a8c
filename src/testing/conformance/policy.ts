import type { RequestSubject, SessionRequest } from '../../protocol/requests.ts';
import { misfit } from '../../session/asking.ts';
import type { OnRequest } from '../../session/world.ts';
import { type ConformanceCheck, checkOf, type Finding, within } from './check.ts';

/** A policy that is looked at: what is given to a session as `onRequest`. */
export type PolicySubject = Readonly<{
  policy: OnRequest;
  /** What it is asked besides one request of each kind. */
  subjects?: readonly RequestSubject[];
  /** How long it may take to decide, and to notice that it need not. Default 2,000 ms. */
  withinMs?: number;
}>;

const SUBJECTS: readonly RequestSubject[] = [
  { kind: 'command', argv: ['rm', '-rf', '/'], shown: 'rm -rf /', cwd: '/', sandbox: 'read-only', escalated: true },
  {
    kind: 'command',
    argv: ['true'],
    shown: 'true',
    cwd: '/',
    sandbox: 'read-only',
    escalated: false,
    suggestedRule: ['true'],
  },
  { kind: 'patch', changes: [], outsideWorkspace: ['/etc/passwd'] },
  { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] },
  { kind: 'permissions', permissions: { network: true } },
  { kind: 'elicitation', server: 'server', message: 'Who are you?', schema: {} },
];

/** What every policy promises: a decision that fits, or none; no throwing; and no waiting for what is over. */
export function policyChecks({ policy, subjects = [], withinMs = 2_000 }: PolicySubject): readonly ConformanceCheck[] {
  const check = (name: string, look: () => Promise<Finding | null>) => checkOf('The policy', name, look);
  const all = [...SUBJECTS, ...subjects];
  return [
    ...all.map((subject, at) =>
      check(`decides in a way that fits: ${subject.kind} (${at + 1})`, () => decides(policy, subject, withinMs)),
    ),
    check('lets go of a request that has ended', async () => {
      for (const subject of all) {
        const controller = new AbortController();
        const decision = Promise.resolve()
          .then(() => policy(requestOf(subject), { signal: controller.signal, count: () => 1 }))
          .catch(() => undefined);
        controller.abort();
        if ((await within(decision, withinMs)) === null)
          return {
            expected: 'must let go of a request that has ended',
            happened: `it still waited ${withinMs} ms after the end of a request (${subject.kind}).`,
            remedy: 'Listen to `signal`, and give undefined when it is aborted.',
          };
      }
      return null;
    }),
  ];
}

async function decides(policy: OnRequest, subject: RequestSubject, withinMs: number): Promise<Finding | null> {
  const expected = `must decide what it is asked (${subject.kind}), or leave it to others`;
  const remedy = 'Give a decision of those that fit, or undefined; deny what it does not know.';
  const controller = new AbortController();
  try {
    const asked = Promise.resolve(policy(requestOf(subject), { signal: controller.signal, count: () => 1 }));
    const decided = await within(asked, withinMs);
    if (decided === null || decided.value === undefined) return null;
    const { value } = decided;
    const wrong =
      typeof value === 'string' || typeof value === 'object' ? misfit(subject, value) : 'It is no decision.';
    return wrong === null ? null : { expected, happened: `it gave ${JSON.stringify(value)}. ${wrong}`, remedy };
  } catch (error) {
    return { expected, happened: `it threw: ${String(error)}`, remedy };
  } finally {
    controller.abort();
  }
}

function requestOf(subject: RequestSubject): SessionRequest {
  const envelope = { seq: 1, epoch: 0, time: '2000-01-01T00:00:00.000Z', sessionId: 's1' };
  return { ...envelope, path: [{ sessionId: 's1', kind: 'root' }], id: 'req_1', boundTo: 'hash', subject };
}

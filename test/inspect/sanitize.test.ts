import { expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { sanitized } from '../../src/inspect/sanitize.ts';

it('leaves names, numbers and states, and of what was said only how long it is', () => {
  const context = {
    sessionId: '01J',
    path: [{ sessionId: '01J', kind: 'root' }],
    queue: [{ taskId: '02', kind: 'review', input: 'the secret plan', whenBusy: 'queue', at: 12, isSaid: true }],
    request: { reason: 'because sk-live-1234567890 is in it', subject: { kind: 'command', argv: ['curl', 'x'] } },
    none: null,
  };
  expect(sanitized(context)).toEqual({
    sessionId: '01J',
    path: [{ sessionId: '01J', kind: 'root' }],
    queue: [{ taskId: '02', kind: 'review', input: '(text, 15 characters)', whenBusy: 'queue', at: 12, isSaid: true }],
    request: {
      reason: '(text, 35 characters)',
      subject: { kind: 'command', argv: ['(text, 4 characters)', '(text, 1 characters)'] },
    },
    none: null,
  });
});

it('does not let what was said hide in the names of members', () => {
  expect(sanitized({ answers: { 'what is your password?': 'hunter2', q1: 'yes' } })).toEqual({
    answers: { '(name 1)': '(text, 7 characters)', q1: '(text, 3 characters)' },
  });
});

it('takes whatever a context may hold', () => {
  const actor = createActor(createMachine({}));
  const endless: Record<string, unknown> = {};
  endless.self = endless;
  const many = Array.from({ length: 102 }, (_, index) => index);
  expect(sanitized({ actor, map: new Map([['a', 1]]), call: () => {}, big: 1n })).toEqual({
    actor: '(actor)',
    map: '(Map)',
    call: '(function)',
    big: '(bigint)',
  });
  expect(JSON.stringify(sanitized(endless))).toContain('(deeper)');
  expect((sanitized(many) as unknown[]).at(-1)).toBe('(2 more)');
});

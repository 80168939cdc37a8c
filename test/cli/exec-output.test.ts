import { describe, expect, it } from 'vitest';
import { createExecOutput } from '../../src/cli/exec-output.ts';
import { PLAIN } from '../../src/cli/terminal.ts';
import type { EventBody, SessionEvent } from '../../src/protocol/events.ts';

const ROOT = { sessionId: 'S', kind: 'root' };
const CHILD = { sessionId: 'T', kind: 'review' };
const error = { code: 'stream-cut', message: 'It broke.', retryable: true } as const;

/** What is written while these events are shown, in order; what comes beside in angle brackets. */
function written(bodies: readonly (EventBody & { path?: SessionEvent['path'] })[], more: object = {}): string {
  let text = '';
  const output = createExecOutput({
    answer: (shown) => {
      text += shown;
    },
    beside: (shown) => {
      text += `<${shown}>`;
    },
    isOneScreen: false,
    isAsking: false,
    view: { paint: PLAIN, cwd: '/' },
    ...more,
  });
  for (const body of bodies) {
    // The envelope of each of the two halves of the union fits both.
    output.show({ seq: 1, epoch: 0, time: '', sessionId: 'S', path: [ROOT], ...body } as SessionEvent);
  }
  return text;
}

const begun = (id = 'm'): EventBody => ({ type: 'item.started', item: { id, type: 'agent_message', text: '' } });
const delta = (text: string, itemId = 'm'): EventBody => ({ type: 'item.delta', itemId, delta: text });
const whole = (text: string, id = 'm'): EventBody => ({
  type: 'item.completed',
  item: { id, type: 'agent_message', text },
});
const warning: EventBody = { type: 'warning.raised', code: 'odd', message: 'Odd.' };
const retry: EventBody = { type: 'stream.retrying', attempt: 1, of: 4, delayMs: 200, error };
const RETRY = '< warning │ The model is asked again in 200 ms (1 of 4).\n         │ It broke.\n>';

describe('the answer', () => {
  it('holds each message once, in lines of its own, with a blank line between two', () => {
    expect(
      written([begun(), delta('On'), delta('e'), whole('One'), begun('n'), delta('Two\n', 'n'), whole('Two\n', 'n')]),
    ).toBe('One\n\nTwo\n');
    expect(written([whole('Not told before'), whole('', 'n'), whole('Last', 'o')])).toBe('Not told before\n\nLast\n');
  });

  it('begins anew below when a retry says something else', () => {
    expect(written([begun(), delta('Half an'), retry, delta('So'), delta('mething'), whole('Something')])).toBe(
      `Half an${RETRY}\nSomething\n`,
    );
    expect(written([begun(), delta('Half an'), retry, delta('Half'), whole('Half')])).toBe(`Half an${RETRY}\nHalf\n`);
  });

  it('goes on where it was when a retry says the same', () => {
    expect(
      written([begun(), delta('Half an'), retry, delta('Half'), retry, delta('Half an ans'), whole('Half an answer')]),
    ).toBe(`Half an${RETRY}${RETRY} answer\n`);
    expect(written([begun(), delta('Half'), retry, whole('Half')])).toBe(`Half${RETRY}\n`);
  });

  it('is safe for a terminal, also where a piece ends in the middle of something', () => {
    const pieces = ['a\\', 'x1', 'b \ud83d', '\udc1a\x1b', '[2J \\u{20', '2e} \\', 'n'];
    expect(written([begun(), ...pieces.map((piece) => delta(piece)), whole(pieces.join(''))])).toBe(
      'a\\x5cx1b 🐚\\x1b[2J \\x5cu{202e} \\n\n',
    );
  });

  it('has nothing of what sub-sessions say', () => {
    const path = [ROOT, CHILD];
    expect(
      written([
        { ...begun(), path },
        { ...delta('x'), path },
        { ...whole('x'), path },
      ]),
    ).toBe('<review ›    agent │ x\n>');
  });
});

describe('what comes beside', () => {
  it('does not break a line of the answer, but on one screen it does', () => {
    const events = [begun(), delta('Half an '), warning, delta('answer'), whole('Half an answer')];
    expect(written(events)).toBe('Half an < warning │ Odd.\n>answer\n');
    expect(written(events, { isOneScreen: true })).toBe('   agent │ Half an \n< warning │ Odd.\n>   agent │ answer\n');
  });

  it('has no request that somebody is asked about', () => {
    const subject = { kind: 'patch', changes: [], outsideWorkspace: [] } as const;
    const envelope = { seq: 1, epoch: 0, time: '', sessionId: 'S', path: [ROOT] };
    const opened: EventBody = { type: 'request.opened', request: { ...envelope, id: 'r', boundTo: '', subject } };
    expect(written([opened], { isAsking: true })).toBe('');
    expect(written([opened])).toBe('< request │ May these files be changed?\n         │   asked by  root\n>');
  });
});

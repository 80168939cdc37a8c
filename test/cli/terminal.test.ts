import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createAsker, PLAIN, paintFor } from '../../src/cli/terminal.ts';
import type { RequestSubject, SessionRequest } from '../../src/protocol/requests.ts';

const QUESTION =
  '[y] approve  [a] approve, and the same again in this session\n         │ [n] deny  [x] stop the task:';
const never = new AbortController().signal;

function request(command: string, subject: Partial<RequestSubject> = {}): SessionRequest {
  const path = [{ sessionId: 'S', kind: 'root' }];
  const base = { kind: 'command', argv: [command], shown: command, cwd: '/', sandbox: 'read-only', escalated: false };
  return {
    ...{ seq: 1, epoch: 0, time: '', sessionId: 'S', path, id: 'req_1', boundTo: '' },
    subject: { ...base, ...subject } as RequestSubject, // Each test says what differs.
  };
}

/** An asker between a keyboard that a test types on and a screen that it looks at. */
function table(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  const asker = createAsker(input, output, PLAIN);
  let screen = '';
  output.on('data', (piece) => {
    screen += piece;
  });
  const sees = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (screen.includes(text)) resolve();
      };
      output.on('data', look);
      look();
    });
  return { input, asker, sees, screen: () => screen };
}

describe('a question at the terminal', () => {
  it.each([
    ['y', 'approved'],
    [' Yes ', 'approved'],
    ['a', 'approved-for-session'],
    ['n', 'denied'],
    ['NO', 'denied'],
    ['x', 'abort'],
  ])('is answered with one line: %s', async (line, decision) => {
    const { input, asker, sees, screen } = table(true);
    const answer = asker.onRequest(request('ls'), { signal: never });
    await sees(QUESTION);
    input.write(`${line}\n`);
    expect(await answer).toEqual(decision);
    expect(screen()).toBe(
      [
        ' request │ May this command run?',
        '         │   runs      ls',
        '         │   in        /',
        '         │   sandbox   read-only',
        '         │   asked by  root',
        `         │ ${QUESTION} `,
      ].join('\n'),
    );
  });

  it('of a sub-session may be answered for all that it asks: d', async () => {
    const { input, asker, sees } = table(true);
    const path = [
      { sessionId: 'S', kind: 'root' },
      { sessionId: 'T', kind: 'review' },
    ];
    const answer = asker.onRequest({ ...request('ls'), path }, { signal: never });
    await sees('[n] deny  [d] deny all that this sub-session asks  [x] stop the task: ');
    input.write('perhaps\n');
    await sees('Expected y, a, n, d or x, got "perhaps".');
    input.write('d\n');
    expect(await answer).toEqual({ decision: 'denied', all: true });
  });

  it('of the root is not answered by d', async () => {
    const { input, asker, sees } = table(true);
    const answer = asker.onRequest(request('ls'), { signal: never });
    await sees(QUESTION);
    input.write('d\n');
    await sees('Expected y, a, n or x, got "d".');
    input.write('n\n');
    expect(await answer).toBe('denied');
  });

  it('says how often it is asked, and a yes is for no more than was said', async () => {
    const { input, asker, sees, screen } = table(true);
    let times = 2;
    const answer = asker.onRequest({ ...request('ls'), count: 2 }, { signal: never, count: () => times });
    await sees(QUESTION);
    expect(screen()).toContain('   asked     2 times; one answer is for all of them\n');
    times = 5;
    input.write('y\n');
    await sees('Meanwhile the same is asked 5 times.');
    await sees(`5 times.\n         │ ${QUESTION}`);
    input.write('y\n');
    expect(await answer).toEqual({ decision: 'approved', count: 5 });
  });

  it('of yes or no is asked until it is one of them, and ends with the input', async () => {
    const { input, asker, sees } = table(true);
    const first = asker.confirm(['Really?'], never);
    await sees('Really?\n         │ [y] yes  [n] no: ');
    input.write('d\n');
    await sees('Expected y or n, got "d".');
    input.write('Yes\n');
    expect(await first).toBe(true);
    const second = asker.confirm(['And now?'], never);
    await sees('And now?\n         │ [y] yes  [n] no: ');
    input.end();
    expect(await second).toBe(null);
  });

  it('is asked again after an answer that is none, which is shown safely', async () => {
    const { input, asker, sees } = table(true);
    const answer = asker.onRequest(request('ls'), { signal: never });
    await sees(QUESTION);
    input.write('\x1b[Ay\n');
    await sees(`Expected y, a, n or x, got "\\x1b[Ay".\n         │ ${QUESTION}`);
    input.write('\nn\n');
    expect(await answer).toBe('denied');
  });

  it('is not answered by what was typed before it was there', async () => {
    const { input, asker, sees } = table(true);
    input.write('y\ny\n');
    const answer = asker.onRequest(request('ls'), { signal: never });
    await sees(QUESTION);
    input.write('n\n');
    expect(await answer).toBe('denied');
  });

  it('is answered in order by the lines of a pipe, and denied at its end', async () => {
    const { input, asker } = table(false);
    input.end('y\nn\n');
    const answers = ['one', 'two', 'three'].map((name) => asker.onRequest(request(name), { signal: never }));
    expect(await Promise.all(answers)).toEqual([
      'approved',
      'denied',
      { decision: 'denied', message: 'the input ended before there was an answer' },
    ]);
  });

  it('waits for the one before it', async () => {
    const { input, asker, sees, screen } = table(true);
    const first = asker.onRequest(request('one'), { signal: never });
    const second = asker.onRequest(request('two'), { signal: never });
    await sees(QUESTION);
    expect(screen()).not.toContain('two');
    input.write('y\n');
    expect(await first).toBe('approved');
    await sees('two');
    await sees(
      `two\n         │   in        /\n         │   sandbox   read-only\n         │   asked by  root\n         │ ${QUESTION}`,
    );
    input.write('n\n');
    expect(await second).toBe('denied');
  });

  it('goes away when the request does, and the next one is asked', async () => {
    const { input, asker, sees } = table(true);
    const gone = new AbortController();
    const first = asker.onRequest(request('one'), { signal: gone.signal });
    await sees(QUESTION);
    gone.abort();
    expect(await first).toBe('denied');
    expect(await asker.onRequest(request('two'), { signal: AbortSignal.abort() })).toBe('denied');
    const third = asker.onRequest(request('three'), { signal: never });
    await sees('three');
    await sees(`asked by  root\n         │ ${QUESTION} \n`);
    input.write('a\n');
    expect(await third).toBe('approved-for-session');
  });

  it('is denied where one line cannot answer it', async () => {
    const { asker } = table(true);
    const subject = { kind: 'question', questions: [{ id: 'q', question: 'Tea?' }] } as const;
    expect(await asker.onRequest(request('ls', subject), { signal: never })).toEqual({
      decision: 'denied',
      message: 'a terminal cannot answer a request of the kind "question" yet',
    });
  });
});

describe('colours', () => {
  const screen = (isTTY: boolean, colours: boolean) =>
    Object.assign(new PassThrough(), { isTTY, hasColors: () => colours });

  it('are there on a terminal that has them', () => {
    expect(paintFor(screen(true, true), {}).bad('no')).toBe('\x1b[31mno\x1b[39m');
  });

  it.each([
    ['somewhere else', screen(false, true), {}],
    ['on a terminal that has none', screen(true, false), {}],
    ['where NO_COLOR is set', screen(true, true), { NO_COLOR: '1' }],
  ])('are not there %s', (_, output, env) => {
    expect(paintFor(output, env).bad('no')).toBe('no');
  });
});

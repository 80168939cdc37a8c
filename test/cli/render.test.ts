import { describe, expect, it } from 'vitest';
import { render } from '../../src/cli/render.ts';
import { type Paint, PLAIN } from '../../src/cli/terminal.ts';
import type { EventBody, SessionEvent } from '../../src/protocol/events.ts';
import type { Item } from '../../src/protocol/items.ts';
import { NOT_RUNNING, type Receipt } from '../../src/protocol/outcomes.ts';
import type { Usage } from '../../src/protocol/usage.ts';

const ROOT = { sessionId: 'S', kind: 'root' };
const ENVELOPE = { seq: 1, epoch: 0, time: '2026-01-01T00:00:00.000Z', sessionId: 'S', path: [ROOT] };
const USAGE: Usage = {
  inputTokens: 600,
  cachedInputTokens: 0,
  outputTokens: 60,
  reasoningTokens: 0,
  totalTokens: 660,
};
const VIEW = { paint: PLAIN, cwd: '/shop' };

function lines(body: EventBody, path: SessionEvent['path'] = [ROOT]): readonly string[] {
  // The envelope of each of the two halves of the union fits both.
  return render({ ...ENVELOPE, path, ...body } as SessionEvent, VIEW);
}

const started = (item: object) => lines({ type: 'item.started', item: { id: 'i', ...item } as Item });
const completed = (item: object) => lines({ type: 'item.completed', item: { id: 'i', ...item } as Item });
const command = { type: 'command_execution', callId: 'c', command: 'node --test', cwd: '/shop', output: '' };

describe('a session', () => {
  it('is shown with its beginning, its trouble and its end', () => {
    expect([
      ...lines({ type: 'session.opened', kind: 'root', limits: {} as never, instructions: null }),
      ...lines({ type: 'session.degraded', reason: 'No space left.' }),
      ...lines({ type: 'session.closed' }),
    ]).toEqual([
      ' session │ S opened',
      ' warning │ The session goes on, but is not logged safely: No space left.',
      ' session │ closed',
    ]);
  });

  it('that another one opened is told apart on every line', () => {
    const path = [ROOT, { sessionId: 'T', kind: 'review' }, { sessionId: 'U', kind: 'look\nout' }];
    expect(lines({ type: 'item.completed', item: { id: 'i', type: 'agent_message', text: 'One\nTwo' } }, path)).toEqual(
      ["review › 'look\\x0aout' ›    agent │ One", "review › 'look\\x0aout' ›          │ Two"],
    );
  });
});

describe('a task', () => {
  const context = { model: 'gpt 5', cwd: '/shop', sandbox: 'read-only', approvalPolicy: 'never' } as const;

  it('is shown with its settings', () => {
    expect(lines({ type: 'task.started', kind: 'regular', input: 'x', context })).toEqual([
      '    task │ regular started',
      "         │ model 'gpt 5' · sandbox read-only · approvals never · in /shop",
    ]);
    expect(
      lines({ type: 'task.started', kind: 'regular', input: 'x', context: { ...context, effort: 'high' } })[1],
    ).toBe("         │ model 'gpt 5' (high) · sandbox read-only · approvals never · in /shop");
  });

  it('is shown with how it ended and what it cost', () => {
    const kind = 'regular';
    const error = { code: 'model-error', message: 'No.\nReally.\x07', retryable: false } as const;
    expect([
      ...lines({ type: 'task.completed', kind, answer: 'Done.', data: {}, usage: USAGE }),
      ...lines({ type: 'task.completed', kind, answer: null, data: {}, usage: { ...USAGE, estimated: true } }),
      ...lines({ type: 'task.failed', kind, error, usage: USAGE }),
    ]).toEqual([
      '    task │ ✓ completed · 660 tokens (600 in, 60 out)',
      '    task │ ✓ completed · about 660 tokens (600 in, 60 out)',
      '    task │ ✗ failed (model-error): No.',
      '         │ Really.\\x07',
    ]);
  });

  it('that was stopped is shown with all that stopping did', () => {
    const receipt: Receipt = {
      outcome: 'aborted',
      reason: 'interrupted',
      phases: [
        { phase: 'aborting', ms: 1 },
        { phase: 'settling', ms: 100 },
        { phase: 'killing', ms: 20 },
      ],
      sessions: [[ROOT]],
      processes: { killed: 3, survivors: 1 },
      unsettled: 1,
      requests: { withdrawn: ['req_1'] },
      queued: { kept: 1, dropped: 2 },
      partial: { text: 'Half', outputs: 1 },
    };
    const aborted = (more: Partial<Receipt>) =>
      lines({
        type: 'task.aborted',
        kind: 'regular',
        reason: 'interrupted',
        receipt: { ...receipt, ...more },
        usage: USAGE,
      });
    expect(lines({ type: 'task.aborting', reason: 'interrupted' })).toEqual(['    task │ stopping (interrupted)']);
    expect(aborted({})).toEqual([
      '    task │ ✗ aborted (interrupted) · 660 tokens (600 in, 60 out)',
      ' receipt │ stopped in 121 ms: aborting 1 ms, settling 100 ms, killing 20 ms',
      '         │ processes: 3 killed, 1 still alive',
      '         │ requests withdrawn: 1',
      '         │ sub-sessions stopped: 1',
      '         │ work that did not stop, and has no effect any more: 1',
      '         │ queued inputs: 1 kept, 2 dropped',
      '         │ kept: 4 characters of an unfinished answer, 1 unfinished output',
    ]);
    expect(aborted({ sessions: [], unsettled: 0, queued: { kept: 0, dropped: 0 } }).slice(3)).toEqual([
      '         │ requests withdrawn: 1',
      '         │ kept: 4 characters of an unfinished answer, 1 unfinished output',
    ]);
    expect(aborted(NOT_RUNNING).slice(1)).toEqual([' receipt │ nothing was running']);
  });
});

describe('an item', () => {
  it('that was said is shown with who said it', () => {
    expect([
      ...completed({ type: 'user_message', text: 'Hello\n', content: [] }),
      ...completed({ type: 'reasoning', text: 'Hm.' }),
      ...completed({ type: 'reasoning', text: '' }),
      ...completed({ type: 'agent_message', text: 'Hi.\n\nHow are you?' }),
      ...completed({ type: 'agent_message', text: 'Ha', partial: true }),
      ...completed({ type: 'error', code: 'odd', message: 'It was.' }),
    ]).toEqual([
      '    user │ Hello',
      'thinking │ Hm.',
      '   agent │ Hi.',
      '         │',
      '         │ How are you?',
      '   agent │ Ha',
      '         │ (cut short)',
      '   error │ odd: It was.',
    ]);
  });

  it('that is a command is shown when it is called for, and what it came to', () => {
    const other = { ...command, command: 'a\nb', cwd: '/else where' };
    expect([
      ...started({ ...command, exitCode: null, status: 'in_progress' }),
      ...started({ ...other, exitCode: null, status: 'in_progress' }),
      ...completed({ ...command, exitCode: 0, status: 'completed', output: 'ok\n' }),
      ...completed({ ...command, exitCode: 1, status: 'failed', output: ' a\n\n b\n' }),
      ...completed({ ...command, exitCode: null, status: 'failed', output: 'bash was not found.' }),
      ...completed({ ...command, exitCode: null, status: 'declined', output: 'rejected by user' }),
      ...completed({ ...command, exitCode: 143, status: 'aborted', output: '' }),
      ...completed({ ...command, exitCode: null, status: 'aborted', output: '' }),
    ]).toEqual([
      ' command │ node --test',
      ' command │ a',
      '         │ b',
      "         │ in '/else where'",
      '  result │ ✓ exit code 0',
      '         │   ok',
      '  result │ ✗ exit code 1',
      '         │    a',
      '         │',
      '         │    b',
      '  result │ ✗ failed',
      '         │   bash was not found.',
      '  result │ ✗ declined: rejected by user',
      '  result │ ✗ exit code 143, aborted',
      '  result │ ✗ aborted',
    ]);
  });

  it('that is long is shown with its head, its tail and how much there was', () => {
    const output = Array.from({ length: 1_000 }, (_, line) => `line ${line}`).join('\n');
    expect(completed({ ...command, exitCode: 0, status: 'completed', output })).toEqual([
      '  result │ ✓ exit code 0',
      ...['line 0', 'line 1', 'line 2', 'line 3', 'line 4', 'line 5', '… 988 lines left out …'].map(
        (line) => `         │   ${line}`,
      ),
      ...['line 994', 'line 995', 'line 996', 'line 997', 'line 998', 'line 999'].map((line) => `         │   ${line}`),
    ]);
    expect(completed({ ...command, exitCode: 0, status: 'completed', output: '🐚'.repeat(201) })[1]).toBe(
      `         │   ${'🐚'.repeat(200)} …`,
    );
  });

  it('that is a call of another tool is shown with its arguments and its output', () => {
    const call = { type: 'tool_call', callId: 'c', name: 'look up', arguments: { word: 'a' }, output: '' };
    const mcp = { type: 'mcp_tool_call', callId: 'c', server: 'docs', tool: 'find', arguments: '{"a"', output: '' };
    expect([
      ...started({ ...call, status: 'in_progress' }),
      ...completed({ ...call, output: 'An a.', status: 'completed' }),
      ...started({ ...mcp, status: 'in_progress' }),
      ...completed({ ...mcp, status: 'failed' }),
    ]).toEqual([
      `    tool │ 'look up' {"word":"a"}`,
      "  result │ ✓ 'look up' completed",
      '         │   An a.',
      '    tool │ docs.find {"a"',
      '  result │ ✗ docs.find failed',
    ]);
  });

  it('that is a plan or a patch is shown with each of its parts', () => {
    const changes = [
      { path: 'a.ts', kind: 'add' },
      { path: 'b c.ts', kind: 'delete' },
      { path: 'd.ts', kind: 'update', movedTo: 'e\n.ts' },
    ];
    const plan = [
      { step: 'Look', status: 'completed' },
      { step: 'Mend', status: 'in_progress' },
      { step: 'Test', status: 'pending' },
    ];
    const patch = { type: 'file_change', callId: 'c', changes };
    expect([
      ...started({ ...patch, status: 'in_progress' }),
      ...completed({ ...patch, status: 'completed' }),
      ...completed({ ...patch, status: 'declined' }),
      ...completed({ ...patch, changes: [], status: 'failed' }),
      ...completed({ type: 'todo_list', callId: 'c', plan, explanation: 'So:', status: 'completed' }),
    ]).toEqual([
      '   patch │ ✓ added a.ts',
      "         │ ✓ deleted 'b c.ts'",
      "         │ ✓ changed d.ts → 'e\\x0a.ts'",
      "   patch │ ✗ declined: a.ts, 'b c.ts', 'e\\x0a.ts'",
      '   patch │ ✗ failed',
      '    plan │ So:',
      '         │ ✓ Look',
      '         │ ▸ Mend',
      '         │ · Test',
    ]);
  });

  it('of any other type is shown in a line', () => {
    const finding = { title: 'A leak', file: 'a.ts', lines: { start: 3, end: 4 } };
    const review = { type: 'review', target: {}, hint: 'changes', status: 'completed' };
    const sub = { type: 'sub_session', sessionId: 'T', kind: 'review' };
    expect([
      ...completed({ ...review, output: { findings: [finding] } }),
      ...completed({ ...review, status: 'interrupted' }),
      ...completed({ type: 'compaction', status: 'completed' }),
      ...completed({ type: 'checkpoint', status: 'failed' }),
      ...completed({ type: 'undo', status: 'completed', paths: ['a.ts'] }),
      ...started({ ...sub, status: 'in_progress' }),
      ...completed({ ...sub, status: 'completed' }),
      ...completed({ type: 'interruption', reason: 'interrupted', text: 'For the model.' }),
    ]).toEqual([
      '  review │ completed, findings: 1',
      '         │ a.ts:3 A leak',
      '  review │ interrupted, findings: 0',
      ' history │ compaction completed',
      'snapshot │ checkpoint failed',
      '    undo │ completed',
      '         │ a.ts',
      '  opened │ a sub-session (review)',
      '  closed │ a sub-session (review): completed',
    ]);
  });
});

describe('a request', () => {
  it('is shown with how it ended, and by whom', () => {
    const resolved = (resolution: Extract<EventBody, { type: 'request.resolved' }>['resolution']) =>
      lines({ type: 'request.resolved', requestId: 'req_1', resolution });
    expect([
      ...resolved({ how: 'answered', decision: 'approved', by: 'client' }),
      ...resolved({ how: 'answered', decision: { decision: 'denied', message: 'no\nway' }, by: 'policy' }),
      ...resolved({ how: 'answered', decision: 'denied', by: 'nobody' }),
      ...resolved({ how: 'withdrawn', why: 'aborted' }),
      ...resolved({ how: 'expired' }),
    ]).toEqual([
      'decision │ approved',
      'decision │ denied: no way (by the policy)',
      'decision │ denied (nobody is there to ask)',
      'decision │ withdrawn (aborted)',
      'decision │ expired: nobody decided in time',
    ]);
  });
});

describe('what happens beside', () => {
  it('is shown in a line', () => {
    const error = { code: 'stream-cut', message: 'It broke.\x1b', retryable: true } as const;
    expect([
      ...lines({ type: 'step.started', step: 3 }),
      ...lines({ type: 'input.queued', inputId: 'n', input: 'And tea.' }),
      ...lines({ type: 'warning.raised', code: 'odd', message: 'Odd.' }),
      ...lines({ type: 'stream.retrying', attempt: 1, of: 4, delayMs: 200, error }),
      ...lines({ type: 'stream.lagged', from: 1, to: 9, dropped: 8 }),
    ]).toEqual([
      '    step │ 3',
      '    user │ (said meanwhile; the model sees it at its next step)',
      ' warning │ Odd.',
      ' warning │ The model is asked again in 200 ms (1 of 4).',
      '         │ It broke.\\x1b',
      ' warning │ 8 events were left out here.',
    ]);
  });

  it('is not shown where there is nothing to read', () => {
    expect([
      ...lines({ type: 'step.completed', step: 1, calls: 0 }),
      ...lines({ type: 'usage.updated', usage: USAGE, total: USAGE }),
      ...lines({ type: 'item.delta', itemId: 'i', delta: 'x' }),
      ...lines({ type: 'item.updated', item: { id: 'i', type: 'agent_message', text: 'x' } }),
      ...started({ type: 'agent_message', text: '' }),
    ]).toEqual([]);
  });
});

it('cannot be made to show a line of its own by what others say', () => {
  const forged = 'ok\ndecision │ approved\r\n\x1b[1A    task │ ✓ completed\u2028 request │ x';
  const shown = completed({ type: 'agent_message', text: forged });
  expect(shown).toEqual([
    '   agent │ ok',
    '         │ decision │ approved\\x0d',
    '         │ \\x1b[1A    task │ ✓ completed\\u{2028} request │ x',
  ]);
});

it('emphasises labels, results and what is asked', () => {
  const named = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const paint: Paint = {
    strong: named('strong'),
    faint: named('faint'),
    good: named('good'),
    bad: named('bad'),
    alert: named('alert'),
    columns: () => null,
  };
  const item: Item = { ...command, id: 'i', type: 'command_execution', exitCode: 0, status: 'completed', output: 'ok' };
  expect(render({ ...ENVELOPE, type: 'item.completed', item }, { paint, cwd: '/shop' })).toEqual([
    '<faint>  result</faint> <faint>│</faint> <good>✓</good> exit code 0',
    '         <faint>│</faint> <faint>  ok</faint>',
  ]);
});

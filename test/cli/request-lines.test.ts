import { describe, expect, it } from 'vitest';
import { requestLines } from '../../src/cli/request-lines.ts';
import { PLAIN } from '../../src/cli/terminal.ts';
import type { RequestSubject, SessionRequest } from '../../src/protocol/requests.ts';

const ROOT = { sessionId: 'S', kind: 'root' };
const ENVELOPE = { seq: 1, epoch: 0, time: '2026-01-01T00:00:00.000Z', sessionId: 'S', path: [ROOT] };

describe('a request', () => {
  const request = (subject: RequestSubject, more: Partial<SessionRequest> = {}) =>
    requestLines({ ...ENVELOPE, id: 'req_1', boundTo: 'hash', subject, ...more }, PLAIN);
  const commandSubject = {
    kind: 'command',
    argv: ['bash', '-c', 'rm -rf "$HOME"'],
    shown: 'rm -rf "$HOME"',
    cwd: '/shop',
    sandbox: 'workspace-write',
    escalated: false,
  } as const;

  it('for a command shows exactly what will run, where, why and who asks', () => {
    const path = [ROOT, { sessionId: 'T', kind: 'review' }];
    expect(request(commandSubject, { reason: 'No sandbox.\nReason given: why not', path })).toEqual([
      ' request │ May this command run?',
      `         │   runs      bash -c 'rm -rf "$HOME"'`,
      '         │   in        /shop',
      '         │   sandbox   workspace-write',
      '         │   reason    No sandbox.',
      '         │             Reason given: why not',
      '         │   asked by  root/review',
    ]);
  });

  it('hides nothing of a command, however it is written', () => {
    const script = 'echo harmless \x1b[8m\nrm -rf ~ \u202e';
    const shown = 'echo harmless \\x1b[8m\nrm -rf ~ \\u{202e}';
    const subject = { ...commandSubject, argv: ['bash', '-c', script], shown, cwd: '/a\nb', escalated: true };
    expect(request(subject, { expiresAt: '2026-01-01T00:01:00.000Z', reason: 'made safe: \\x07, not: \x07' })).toEqual([
      ' request │ May this command run outside the sandbox?',
      "         │   runs      bash -c 'echo harmless \\x1b[8m\\x0arm -rf ~ \\u{202e}'",
      '         │   as lines  echo harmless \\x1b[8m',
      '         │             rm -rf ~ \\u{202e}',
      "         │   in        '/a\\x0ab'",
      '         │   sandbox   workspace-write',
      '         │   reason    made safe: \\x5cx07, not: \\x07',
      '         │   asked by  root',
      '         │   until     2026-01-01T00:01:00.000Z',
    ]);
  });

  it('for a patch shows every line of it', () => {
    const added = Array.from({ length: 100 }, (_, line) => `+line ${line}`);
    const diff = `--- a/a.ts\n+++ b/a.ts\n@@ -1,0 +1,100 @@\n${added.join('\n')}\n`;
    const changes = [{ path: '/etc/a.ts', kind: 'update', diff }] as const;
    expect(request({ kind: 'patch', changes, outsideWorkspace: ['/etc/a.ts'] })).toEqual([
      ' request │ May these files be changed?',
      '         │   files     changed /etc/a.ts',
      '         │   outside   /etc/a.ts',
      '         │   diff      --- a/a.ts',
      '         │             +++ b/a.ts',
      '         │             @@ -1,0 +1,100 @@',
      ...added.map((line) => `         │             ${line}`),
      '         │   asked by  root',
    ]);
  });

  it('of another kind shows what is asked', () => {
    expect([
      ...request({ kind: 'question', questions: [{ id: 'q', question: 'Tea?', options: ['yes', 'no'] }] }),
      ...request({ kind: 'permissions', permissions: { network: true } }),
      ...request({ kind: 'elicitation', server: 'docs', message: 'Your name?', schema: {} }),
    ]).toEqual([
      ' request │ A question:',
      '         │   question  Tea?',
      '         │             yes',
      '         │             no',
      '         │   asked by  root',
      ' request │ May these permissions be given?',
      '         │   wanted    {',
      '         │               "network": true',
      '         │             }',
      '         │   asked by  root',
      ' request │ The server docs asks:',
      '         │   message   Your name?',
      '         │   asked by  root',
    ]);
  });
});

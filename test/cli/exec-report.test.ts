import { describe, expect, it } from 'vitest';
import { createExecReport, type ExecFormat } from '../../src/cli/exec-report.ts';
import { PLAIN } from '../../src/cli/terminal.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { SessionEvent } from '../../src/protocol/events.ts';

const OPENED: SessionEvent = {
  ...{ seq: 1, epoch: 0, time: '', sessionId: 'S', path: [{ sessionId: 'S', kind: 'root' }] },
  ...{ type: 'session.opened', kind: 'root', limits: DEFAULT_LIMITS, instructions: null },
};
const STARTED = '{"type":"thread.started","thread_id":"S"}\n';

/** A report, and all that it has said. */
function reportOf(format: ExecFormat) {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const view = { paint: PLAIN, cwd: '/' };
  return {
    said,
    report: createExecReport(format, { answer: say, beside: say, isOneScreen: false, isAsking: false, view }),
  };
}

describe('the report of a run', () => {
  it('tells Codex of the thread once: as it begins, or else when the session is open', () => {
    const early = reportOf('json');
    early.report.begin('S');
    expect(early.said).toEqual([STARTED]);
    early.report.show(OPENED);
    expect(early.said).toEqual([STARTED]);
    const late = reportOf('json');
    late.report.show(OPENED);
    expect(late.said).toEqual([STARTED]);
  });

  it('says nothing more than that when it fails before the session is open', () => {
    const { said, report } = reportOf('json');
    report.begin('S');
    report.fail('No.');
    expect(said).toEqual([STARTED, '{"type":"turn.failed","error":{"message":"No."}}\n']);
  });

  it.each(['text', 'events', 'findings'] as const)('leaves the beginning to the session, as %s', (format) => {
    const { said, report } = reportOf(format);
    report.begin('S');
    expect(said).toEqual([]);
  });
});

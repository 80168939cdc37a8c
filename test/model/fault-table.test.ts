import { expect, test } from 'vitest';
import { FAULT_ROWS, meetFault } from '../../scripts/faults.ts';
import { REQUESTS_MAX } from '../../src/model/openai-settings.ts';

// The table that `npm run faults` prints.
const ALWAYS = [200, 400, 800, 1600];
const EXPECTED: Readonly<Record<string, readonly [gapsMs: readonly number[], outcome: string]>> = {
  '500 always': [ALWAYS, 'model-error'],
  '500 once': [[200], 'completed'],
  '503 always': [ALWAYS, 'model-error'],
  '429, retry-after 3, always': [[3000, 3000, 3000, 3000], 'rate-limited'],
  '429, retry-after 3, once': [[3000], 'completed'],
  '429, quota used up': [[], 'rate-limited'],
  '401': [[], 'unauthorized'],
  '403': [[], 'unauthorized'],
  '404, model': [[], 'model-error'],
  '400': [[], 'model-error'],
  '400, context length': [[], 'context-window-exceeded'],
  'reset before the headers': [ALWAYS, 'model-unreachable'],
  'connection refused': [[200, 400], 'model-unreachable'],
  'cut after the first byte': [ALWAYS, 'model-unreachable'],
  'cut in mid-stream': [ALWAYS, 'stream-cut'],
  'cut in mid-stream, once': [[200], 'completed'],
  'EOF before the terminal event': [ALWAYS, 'stream-cut'],
  'empty body': [ALWAYS, 'stream-cut'],
  'malformed event': [ALWAYS, 'model-error'],
  'malformed event, once': [[200], 'completed'],
  HTML: [[], 'model-error'],
  'error event: server_error': [ALWAYS, 'model-error'],
  'error event: rate limit, in 1.5 s': [[1500, 1500, 1500, 1500], 'rate-limited'],
  'error event: context length': [[], 'context-window-exceeded'],
  'headers never come (waited for 100 ms here)': [ALWAYS, 'stream-cut'],
};

test('has each of its rows looked at', () => {
  expect(FAULT_ROWS.map(({ fault }) => fault).sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(FAULT_ROWS.flatMap((row) => (['responses', 'chat'] as const).map((api) => ({ ...row, api }))))(
  'is true: $fault ($api)',
  async (row) => {
    const { requests, gapsMs, outcome, message } = await meetFault(row, row.api);
    const [gaps = [], ends = ''] = EXPECTED[row.fault] ?? [];
    // Where headers never come in time the server may be too slow to have seen each request.
    if (row.idleTimeoutMs === undefined) expect(requests).toBe(gaps.length + 1);
    expect({ gapsMs, outcome }).toEqual({ gapsMs: gaps, outcome: ends });
    expect(requests).toBeLessThanOrEqual(REQUESTS_MAX);
    // What failed says what a person can do.
    expect(message).toMatch(outcome === 'completed' ? /^$/ : /(Check|Look|Try|Wait|Compact|What it said)/);
  },
);

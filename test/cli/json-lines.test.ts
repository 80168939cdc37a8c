import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { jsonLine } from '../../src/cli/json-lines.ts';

it('is one line for every reader of lines, and holds the same value', async () => {
  const value = { text: 'a\u2028b\u2029c\nd\r\u0085e', '\u2028': 1 };
  const lines: string[] = [];
  for await (const line of createInterface({ input: Readable.from([jsonLine(value)]), crlfDelay: Infinity })) {
    lines.push(line);
  }
  expect(lines.map((line) => JSON.parse(line))).toEqual([value]);
});

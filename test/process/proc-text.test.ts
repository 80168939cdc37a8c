import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { procText } from '../../src/process/proc-text.ts';

describe('the text of a file of /proc', () => {
  it.skipIf(process.platform !== 'linux')('is what Node reads', () => {
    expect(procText('/proc/self/limits')).toBe(readFileSync('/proc/self/limits', 'latin1'));
  });

  it('is whole and byte for byte, however long it is, and none where there is nothing to read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-proc-text-'));
    const long = join(directory, 'long');
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256));
    try {
      writeFileSync(long, bytes);
      expect([procText(long), procText(join(directory, 'none')), procText(directory)]).toEqual([
        bytes.toString('latin1'),
        null,
        null,
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

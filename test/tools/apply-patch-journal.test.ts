import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJournal, encodeJournal, type Journal } from '../../src/tools/apply-patch/journal.ts';

const bytes = fc.option(fc.uint8Array({ maxLength: 50 }), { nil: null });
const mode = fc.option(fc.nat({ max: 0o7777 }), { nil: null });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const journals: fc.Arbitrary<Journal> = fc.record({
  id: text,
  files: fc.array(
    fc.record({
      path: text,
      given: text,
      isInside: fc.boolean(),
      before: bytes,
      after: bytes,
      modeBefore: mode,
      modeAfter: mode,
    }),
    { maxLength: 5 },
  ),
  directories: fc.array(text, { maxLength: 3 }),
  roots: fc.array(text, { maxLength: 3 }),
});

/** Arrays of one type, so that whole journals can be compared. */
function plain(journal: Journal | null) {
  const numbers = (of: Uint8Array | null) => (of === null ? null : [...of]);
  return (
    journal && {
      ...journal,
      files: journal.files.map((file) => ({ ...file, before: numbers(file.before), after: numbers(file.after) })),
    }
  );
}

describe('a journal of a patch', () => {
  it('is read as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(journals, (journal) => {
        expect(plain(decodeJournal(encodeJournal(journal)))).toEqual(plain(journal));
      }),
    );
  });

  it('is none when a byte is missing or too many', () => {
    fc.assert(
      fc.property(journals, fc.nat(), (journal, at) => {
        const whole = encodeJournal(journal);
        expect(decodeJournal(whole.subarray(0, at % whole.length))).toBeNull();
        expect(decodeJournal(Buffer.concat([whole, Buffer.from('x')]))).toBeNull();
      }),
    );
  });

  it.each(['', '\n', 'x\n', '{}\n', 'null\n', '{"version":1}\n', '{"version":2,"files":[]}\n'])(
    'is not %j',
    (other) => {
      expect(decodeJournal(Buffer.from(other))).toBeNull();
    },
  );
});

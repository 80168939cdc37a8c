import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textDeltaIn } from '../../src/model/text-delta.ts';

const event = {
  type: 'response.output_text.delta',
  sequence_number: 4,
  item_id: 'msg_1',
  output_index: 0,
  content_index: 0,
  delta: 'Hi',
};

describe('a delta of text', () => {
  test('is read as JSON.parse reads it', () => {
    const ends = [{}, { logprobs: [] }, { obfuscation: 'a+/=' }, { logprobs: [], obfuscation: 'x' }];
    const anyEvent = fc.record({
      item_id: fc.stringMatching(/^[\w-]{0,9}$/),
      output_index: fc.nat(),
      content_index: fc.nat({ max: 9 }),
      delta: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\u007f', '\ud800', 'a"}')),
      end: fc.constantFrom(...ends),
    });
    fc.assert(
      fc.property(anyEvent, ({ end, ...fields }) => {
        const data = JSON.stringify({ ...event, ...fields, ...end });
        const { sequence_number: _, logprobs: __, obfuscation: ___, ...expected } = JSON.parse(data);
        expect(textDeltaIn(data) ?? expected).toEqual(expected);
      }),
    );
    expect(textDeltaIn(JSON.stringify({ ...event, delta: 'a "b"\n' }))).toMatchObject({ delta: 'a "b"\n' });
  });

  test.each([
    { what: 'another event', data: JSON.stringify({ ...event, type: 'response.refusal.delta' }) },
    { what: 'other fields', data: JSON.stringify({ ...event, more: 1 }) },
    { what: 'probabilities', data: JSON.stringify({ ...event, logprobs: [{ token: 'H' }] }) },
    { what: 'a delta that is no text', data: JSON.stringify({ ...event, delta: 7 }) },
    { what: 'a very long one', data: JSON.stringify({ ...event, delta: 'a'.repeat(10_000_000) }) },
    { what: 'half of one', data: JSON.stringify(event).slice(0, -4) },
    { what: 'a bare tab, which is no JSON', data: JSON.stringify(event).replace('Hi', '\t') },
  ])('is left to JSON.parse where it is not as expected: $what', ({ data }) => {
    expect(textDeltaIn(data)).toBeNull();
  });

  test('is refused where its escapes are none', () => {
    expect(() => textDeltaIn(JSON.stringify(event).replace('Hi', '\\x'))).toThrow(SyntaxError);
  });
});

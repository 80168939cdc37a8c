import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSseReader, type SseMessage } from '../../src/model/sse.ts';

function read(chunks: readonly Uint8Array[]): readonly SseMessage[] {
  const reader = createSseReader();
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  { what: 'events', text: 'data: a\n\ndata: b\n\n', messages: [['a'], ['b']] },
  { what: 'names of events', text: 'event: error\ndata: a\n\ndata: b\n\n', messages: [['a', 'error'], ['b']] },
  { what: 'data of several lines', text: 'data: a\ndata:\ndata:  b\n\n', messages: [['a\n\n b']] },
  { what: 'lines that end in CR LF', text: 'data: a\r\n\r\ndata: b\r\n\r\n', messages: [['a'], ['b']] },
  { what: 'lines that end in CR', text: 'data: a\r\rdata: b\r\r', messages: [['a'], ['b']] },
  { what: 'no event in comments and unknown fields', text: ': ping\n\nid: 7\nretry: 1\n\ndata\n\n', messages: [['']] },
  { what: 'an event whose blank line is missing', text: 'data: a\n\ndata: b', messages: [['a'], ['b']] },
  { what: 'a byte order mark as nothing', text: '\ufeffdata: a\n\n', messages: [['a']] },
  { what: 'nothing in nothing', text: '', messages: [] },
])('sees $what, wherever the bytes are cut', ({ text, messages }) => {
  const expected = messages.map(([data, event = null]) => ({ event, data }));
  expect(read([bytes(text)])).toEqual(expected);
  for (let at = 1; at < bytes(text).length; at += 1) {
    expect(read([bytes(text).slice(0, at), bytes(text).slice(at)])).toEqual(expected);
  }
});

test('reads the same from any chunks, also when they cut characters', () => {
  const line = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replace(/[\r\n]/g, '')}`),
    fc.constantFrom('', ': ping', 'event: error', 'data:'),
  );
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
  const stream = fc.array(fc.tuple(line, lineEnd), { maxLength: 12 }).map((lines) => bytes(lines.flat().join('')));
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200), { maxLength: 20 }), (whole, cuts) => {
      const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
      const chunks = places.slice(1).map((place, at) => whole.slice(places[at], place));
      expect(read(chunks)).toEqual(read([whole]));
    }),
  );
});

test('says how much waits for its end', () => {
  const reader = createSseReader();
  reader.push(bytes('data: abc'));
  expect(reader.pending()).toBe(9);
  reader.push(bytes('def\ndata: g'));
  expect(reader.pending()).toBeGreaterThan(9);
  reader.push(bytes('\n\n'));
  expect(reader.pending()).toBe(0);
});

/** One server-sent event: its `event:` line, if it had one, and its `data:` lines. */
export type SseMessage = Readonly<{ event: string | null; data: string }>;

/**
 * Splits bytes into server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), wherever the
 * bytes are cut: in a character, between CR and LF, in the middle of a line.
 */
export type SseReader = Readonly<{
  push(bytes: Uint8Array): readonly SseMessage[];
  /** What is left when the stream ends. More than the standard gives: an event without its closing blank line. */
  end(): readonly SseMessage[];
  /** Characters that wait for the end of their line or of their event. */
  pending(): number;
}>;

export function createSseReader(): SseReader {
  const decoder = new TextDecoder();
  let linePieces: string[] = [];
  let afterCarriageReturn = false;
  let event: string | null = null;
  let data: string[] = [];
  let pending = 0;

  function take(chunk: string): readonly SseMessage[] {
    if (chunk === '') return NONE;
    const messages: SseMessage[] = [];
    let start = afterCarriageReturn && chunk.startsWith('\n') ? 1 : 0;
    afterCarriageReturn = false;
    if (!chunk.includes('\r')) {
      for (let end = chunk.indexOf('\n', start); end !== -1; end = chunk.indexOf('\n', start)) {
        endLine(chunk.slice(start, end), messages);
        start = end + 1;
      }
    }
    const lineEnd = /\r\n|\n|\r/g;
    lineEnd.lastIndex = start;
    for (let found = lineEnd.exec(chunk); found !== null; found = lineEnd.exec(chunk)) {
      endLine(chunk.slice(start, found.index), messages);
      start = lineEnd.lastIndex;
      afterCarriageReturn = found[0] === '\r' && start === chunk.length;
    }
    if (start < chunk.length) linePieces.push(chunk.slice(start));
    pending += chunk.length - start;
    return messages;
  }

  function endLine(last: string, messages: SseMessage[]): void {
    const line = linePieces.length === 0 ? last : linePieces.join('') + last;
    linePieces = [];
    if (line === '') {
      if (data.length > 0) messages.push({ event, data: data.join('\n') });
      event = null;
      data = [];
      pending = 0;
      return;
    }
    if (line.startsWith('data: ')) {
      data.push(line.slice(6));
      pending += last.length;
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      data.push(value);
      pending += last.length;
    } else if (field === 'event') event = value;
  }

  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end() {
      const messages = [...take(decoder.decode())];
      endLine('', messages);
      endLine('', messages);
      return messages;
    },
    pending: () => pending,
  };
}

const NONE: readonly SseMessage[] = Object.freeze([]);

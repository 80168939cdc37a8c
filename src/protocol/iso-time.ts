let lastMs = Number.NaN;
let lastText = '';

/** A time in ms since 1970 as ISO 8601 in UTC. Many events share a millisecond, so the last text is kept. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}

/** The ms since 1970 of a time in ISO 8601. */
export function msOf(text: string): number {
  // Mostly it is the text that was made last.
  return text === lastText ? lastMs : Date.parse(text);
}

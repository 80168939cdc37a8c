/**
 * A value as one line of JSON, with the line feed. The line and paragraph separators of Unicode are escaped: JSON allows
 * them, but readers of lines, such as Node's own `readline`, take them for ends of lines.
 */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029'))}\n`;
}

/**
 * Half of `keepBytes` from the beginning of a well-formed text and half from its end, cut at no character, with one line
 * between them that says how many bytes were left out. `totalBytes` is how much there was before any earlier cut, so
 * that an excerpt of an excerpt has one such line, and it is right.
 */
export function excerpt(text: string, keepBytes: number, totalBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= keepBytes) return text;
  let headEnd = Math.floor(keepBytes / 2);
  let tailStart = bytes.length - (keepBytes - headEnd);
  while (isContinuation(bytes[headEnd])) headEnd -= 1;
  while (isContinuation(bytes[tailStart])) tailStart += 1;
  const head = bytes.subarray(0, headEnd).toString();
  const tail = bytes.subarray(tailStart);
  const separator = head === '' || head.endsWith('\n') ? '' : '\n';
  const leftOut = Math.max(totalBytes, bytes.length) - headEnd - tail.length;
  return `${head}${separator}[... ${leftOut} bytes left out ...]\n${tail.toString()}`;
}

/** Whether a byte of UTF-8 continues a character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}

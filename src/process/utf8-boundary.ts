/**
 * How many bytes at the end belong to a character that is not complete yet: 0 to 3. Cutting there changes nothing in
 * what the two parts decode to, whatever the bytes are, because the second part begins with a byte that begins a
 * character.
 */
export function unfinishedTail(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(bytes.length, LONGEST - 1); length += 1) {
    const byte = bytes[bytes.length - length] as number; // No more than there are.
    if (isContinuation(byte)) continue;
    return sequenceLength(byte) > length ? length : 0;
  }
  return 0;
}

/** How many bytes at the beginning continue a character that began before: 0 to 3. */
export function danglingHead(bytes: Uint8Array): number {
  let length = 0;
  while (length < LONGEST - 1 && isContinuation(bytes[length] ?? 0)) length += 1;
  return length;
}

/** Bytes in the longest UTF-8 sequence. */
const LONGEST = 4;

function isContinuation(byte: number): boolean {
  return (byte & 0b1100_0000) === 0b1000_0000;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 1;
}

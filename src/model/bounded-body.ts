/** Bytes of a body with a bad status that are read, for what it says: a server may send more than anyone wants to know. */
export const ERROR_BYTES_MAX = 64 * 1024;

/** The first bytes of a body as text; the rest is let go of. Rejects when the connection breaks or `signal` aborts. */
export async function shortText(response: Response, bytesMax: number, signal: AbortSignal | null): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  signal?.addEventListener('abort', cancel, { once: true });
  const chunks: Uint8Array[] = [];
  try {
    for (let bytes = 0; bytes < bytesMax; ) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      bytes += value.byteLength;
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
  return Buffer.concat(chunks).toString('utf8', 0, bytesMax);
}

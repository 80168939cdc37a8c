import { INPUT_CHARACTERS_MAX } from '../limits.ts';
import { TroupeError } from '../protocol/errors.ts';

/** How long the rest of an input is waited for while nothing comes, and in all, in ms. */
const DRAIN_IDLE_MS = 1_000;
const DRAIN_MAX_MS = 10_000;

type Input = NodeJS.ReadStream;

/** All that comes, as text. Rejects, and leaves the rest unread, for what is too long, is not UTF-8, or is stopped. */
export function readAll(input: Input, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  const take = (piece: Buffer | null) => {
    try {
      text += piece === null ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch {
      return reject(wrong('Expected a prompt in UTF-8, got other bytes.'));
    }
    if (text.length > INPUT_CHARACTERS_MAX) {
      return reject(wrong(`Expected a prompt of at most ${INPUT_CHARACTERS_MAX} characters, got more.`));
    }
    if (piece === null) resolve(text);
  };
  const onData = (piece: Buffer) => take(piece);
  const onEnd = () => take(null);
  const onAbort = () => reject(new TroupeError('rejected', 'Stopped before the prompt was read.'));
  input.on('data', onData);
  input.once('end', onEnd);
  input.once('error', reject);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort);
    input.off('data', onData).off('end', onEnd).off('error', reject).pause();
  });
}

/**
 * Reads away what still comes, so that who writes it does not fail; not from a terminal, and not for longer than somebody
 * may write.
 */
export function drain(input: Input): Promise<void> {
  if (input.isTTY || input.readableEnded || input.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const idle = setTimeout(resolve, DRAIN_IDLE_MS);
    setTimeout(resolve, DRAIN_MAX_MS).unref();
    for (const end of ['end', 'close', 'error']) input.once(end, () => resolve());
    input.on('data', () => idle.refresh());
    input.resume();
  });
}

function wrong(message: string): TroupeError {
  return new TroupeError('invalid-config', message);
}

import { messageOf, type TaskError } from '../protocol/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Rng } from '../runtime/ids.ts';
import type { AttemptEnd } from './attempt.ts';
import { pause } from './pause.ts';
import type { ModelAnswer, ModelProgress } from './port.ts';

/** The delay before the first retry, as in Codex; each further one doubles it. */
export const BACKOFF_MS = 200;
/** By which part of itself a delay may differ, so that clients that failed together do not come back together. */
export const JITTER = 0.1;

export type Sampling = Readonly<{
  /** `tell` gives false when nothing more is wanted of the attempt, which then ends as aborted. */
  attempt(tell: (progress: ModelProgress) => boolean): Promise<AttemptEnd>;
  onProgress(progress: ModelProgress): void;
  signal: AbortSignal;
  clock: Clock;
  rng: Rng;
  /** Retries, the first attempt not counted. */
  maxRetries: number;
  /** How many requests may still be made: an attempt makes more than one when it learns what the server knows. */
  requestsLeft(): number;
}>;

/**
 * Makes attempts until one is answered, the fault is one that stays, or the retries are used up. Each retry is told
 * before its delay, and the delay ends when `signal` aborts. Never rejects: an `onProgress` that throws ends the request.
 */
export async function sampleWithRetries({ attempt, onProgress, ...sampling }: Sampling): Promise<ModelAnswer> {
  const { signal, clock, rng, maxRetries, requestsLeft } = sampling;
  let broken: TaskError | null = null;
  const tell = (progress: ModelProgress) => {
    if (signal.aborted || broken !== null) return false;
    try {
      onProgress(progress);
    } catch (thrown) {
      broken = { code: 'internal', message: `A listener to the model threw: ${messageOf(thrown)}`, retryable: false };
    }
    return broken === null;
  };
  for (let attempts = 1; ; attempts += 1) {
    if (broken !== null) return failed(broken);
    if (signal.aborted) return { status: 'aborted' };
    const end = await attempt(tell);
    if (broken !== null) return failed(broken);
    if (end.status !== 'fault') return end;
    const { error, retriesMax, retryAfterMs } = end.fault;
    const retries = Math.min(maxRetries, retriesMax, attempts - 1 + requestsLeft());
    if (attempts > retries)
      return { ...failed(attempts === 1 ? error : withAttempts(error, attempts)), usage: end.usage };
    const delayMs = retryAfterMs ?? backoffMs(attempts, rng);
    if (tell({ type: 'retrying', attempt: attempts, of: retries, delayMs, error })) await pause(clock, delayMs, signal);
  }
}

function backoffMs(retry: number, rng: Rng): number {
  return Math.round(BACKOFF_MS * 2 ** (retry - 1) * (1 - JITTER + 2 * JITTER * rng.next()));
}

function failed(error: TaskError): Extract<ModelAnswer, { status: 'failed' }> {
  return { status: 'failed', error, usage: null };
}

function withAttempts(error: TaskError, attempts: number): TaskError {
  return { ...error, message: `${error.message} Tried ${attempts} times.` };
}

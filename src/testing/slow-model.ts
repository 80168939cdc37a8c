import type { Model, ModelAnswer, ModelProgress } from '../model/port.ts';
import { type ErrorCode, messageOf, type TaskError } from '../protocol/errors.ts';
import type { FaultDesk, FaultOf } from './faults.ts';
import type { ScriptReport } from './script.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';

/** How long a model takes at most, in ms; the seed picks one of each. */
const SLOWEST_MS = { begins: [0, 20, 400], tells: [0, 3, 40], stops: [0, 10, 250] };

/** How long a retry is waited for, in ms. */
const RETRY_MS = 200;

export type SlowModelOptions = Readonly<{ clock: SteppedClock; rng: SeededRng; faults: FaultDesk }>;

/**
 * The same model, in simulated time, and where things go wrong. What it tells keeps its order, and nothing is told once the request is
 * aborted.
 */
export function slowModel(model: Model & ScriptReport, { clock, rng, faults }: SlowModelOptions): Model & ScriptReport {
  const begins = rng.pace(SLOWEST_MS.begins);
  const tells = rng.pace(SLOWEST_MS.tells);
  const stops = rng.pace(SLOWEST_MS.stops);
  const retry = async (onProgress: (progress: ModelProgress) => void, signal: AbortSignal) => {
    if (signal.aborted) return;
    onProgress({ type: 'retrying', attempt: 1, of: 4, delayMs: RETRY_MS, error: errorOf('stream-cut') });
    await clock.pass(RETRY_MS, 'the model to be asked again', signal);
  };
  return {
    ...model,
    async sample(request, onProgress, signal) {
      const stopped = async (): Promise<ModelAnswer> => {
        await clock.pass(stops(), 'the model to close its connection');
        return { status: 'aborted' };
      };
      const asked = faults.begin('model', 'sample');
      if (asked === 'power-cut') return faults.cut();
      if (asked === 'hangs') await faults.hang('the model to begin', signal);
      await clock.pass(begins(), 'the model to begin', signal);
      if (signal.aborted && asked !== null) return stopped();
      if (asked === 'retries') await retry(onProgress, signal);
      else if (asked !== null && asked !== 'hangs') return failed(asked);
      const broken = Promise.withResolvers<ModelAnswer>();
      const before: ModelProgress[] = [];
      let isBroken = false;
      const breakOff = (answer: ModelAnswer) => {
        isBroken = true;
        broken.resolve(answer);
      };
      const tell = async (progress: ModelProgress) => {
        await clock.pass(tells(), 'the next word of the model', signal);
        if (signal.aborted || isBroken) return;
        const how = faults.begin('model', 'tell');
        if (how === 'power-cut') return faults.cut();
        if (how === 'hangs') await faults.hang('the next word of the model', signal);
        if (how === 'is-cut' || how === 'fails') return breakOff(failed(how));
        if (how === 'retries') {
          await retry(onProgress, signal);
          for (const again of before) if (!signal.aborted) onProgress(again);
        }
        before.push(progress);
        if (!signal.aborted) onProgress(progress);
      };
      let told = Promise.resolve();
      const whole = model.sample(
        request,
        (progress) => {
          told = told.then(() => tell(progress));
        },
        signal,
      );
      const answer = await Promise.race([whole, broken.promise]);
      try {
        await told;
      } catch (thrown) {
        const message = `A listener to the model threw: ${messageOf(thrown)}`;
        return { status: 'failed', error: { code: 'internal', message, retryable: false }, usage: null };
      }
      if (signal.aborted) return stopped();
      return isBroken ? broken.promise : answer;
    },
  };
}

type Failure = Exclude<FaultOf<'model'>['how'], 'hangs' | 'power-cut' | 'retries'>;

const CODES: Readonly<Record<Failure, ErrorCode>> = {
  unreachable: 'model-unreachable',
  'rate-limited': 'rate-limited',
  fails: 'model-error',
  'is-cut': 'stream-cut',
};

function failed(how: Failure): ModelAnswer {
  return { status: 'failed', error: errorOf(CODES[how]), usage: null };
}

function errorOf(code: ErrorCode): TaskError {
  return { code, message: `The model of this simulation goes wrong: ${code}.`, retryable: code !== 'model-error' };
}

import type { Model, ModelAnswer, ModelProgress } from '../model/port.ts';
import { messageOf } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { playScript, type Script, type ScriptedAnswer, type ScriptReport } from './script.ts';

export type ScriptedModelOptions = Readonly<{
  /** Counts `afterMs`. */
  clock?: Clock;
  contextWindow?: number;
}>;

/**
 * Not a language model: it says what the script says, whatever it is asked. It stands where a model stands, without a
 * network and without retries. A request for which the script has no step fails and is recorded as a complaint.
 */
export function scriptedModel(script: Script, options: ScriptedModelOptions = {}): Model & ScriptReport {
  const played = playScript(script, options.clock ?? systemClock);
  return {
    ...played.report,
    name: 'scripted',
    provider: 'scripted',
    contextWindow: options.contextWindow ?? null,
    async sample(request, onProgress, signal) {
      if (signal.aborted) return { status: 'aborted' };
      try {
        const answer = await played.answer(request, signal);
        if (answer !== null) tellOutputs(answer, onProgress, signal);
        if (answer?.ending.how === 'hangs') await aborted(signal);
        return answer === null || signal.aborted ? { status: 'aborted' } : modelAnswer(answer);
      } catch (thrown) {
        const message = `The script, or who listens to it, threw: ${messageOf(thrown)}`;
        played.complain(message);
        return { status: 'failed', error: { code: 'internal', message, retryable: false }, usage: null };
      }
    },
  };
}

function modelAnswer({ outputs, ending, usage }: ScriptedAnswer): ModelAnswer {
  if (ending.how === 'failed') return { status: 'failed', error: ending.error, usage };
  const whole = outputs.map(({ output }) => output);
  if (ending.how === 'incomplete') return { status: 'incomplete', reason: ending.reason, outputs: whole, usage };
  return { status: 'completed', outputs: whole, usage };
}

function tellOutputs(
  { outputs, ending }: ScriptedAnswer,
  onProgress: (progress: ModelProgress) => void,
  signal: AbortSignal,
): void {
  const tell = (progress: ModelProgress) => {
    if (!signal.aborted) onProgress(progress);
  };
  const unfinished = ending.how === 'hangs' || ending.how === 'failed' ? outputs.length - 1 : -1;
  for (const [index, { output, deltas }] of outputs.entries()) {
    tell({ type: 'output.started', index, output: output.type });
    for (const delta of deltas) tell({ type: 'output.delta', index, delta });
    if (index !== unfinished) tell({ type: 'output.completed', index, output });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

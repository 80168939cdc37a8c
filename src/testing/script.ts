import { pause, unlessAborted } from '../model/pause.ts';
import type { ModelOutput, ModelRequest } from '../model/port.ts';
import { messageOf, type TaskError } from '../protocol/errors.ts';
import type { Usage } from '../protocol/usage.ts';
import type { Clock } from '../runtime/clock.ts';

/** A call that the script makes. Without a `callId` the calls of a script are `call_1`, `call_2`, … (of a lane: `call_<lane>_1`, …). */
export type ScriptCall = Readonly<{ name: string; arguments: object | string; callId?: string; custom?: true }>;

/** What the scripted model does with one request: in this order, as far as it is given. */
export type ScriptStep = Readonly<{
  /** Looks at the request; what it throws is a complaint, and the request fails. */
  expect?: (request: ModelRequest) => void;
  /** Is waited for before anything is said. */
  waitFor?: Promise<unknown>;
  /** Is waited for next, on the clock, in ms. */
  afterMs?: number;
  reason?: string;
  /** A message: whole, or in the deltas in which it comes. */
  say?: string | readonly string[];
  call?: ScriptCall | readonly ScriptCall[];
  /** Says what is to be said and no more, and never ends until the request is aborted. */
  hang?: true;
  /** Fails: at once when nothing is to be said, else after it was said. */
  fail?: Partial<TaskError>;
  /** Ends as cut short, for this reason. */
  incomplete?: string;
  /** What it cost; unknown when null. When absent `SCRIPTED_USAGE`, and unknown for what fails. */
  usage?: Usage | null;
}>;

/** Which request this is, from 0, and what the calls of the same session's last answer came to, by call id. */
export type ScriptInfo = Readonly<{ index: number; lastOutputs: Readonly<Record<string, string>> }>;

/** A step, or a function that gives one when the request is known: so a script branches on results and decisions. */
export type ScriptEntry = ScriptStep | ((request: ModelRequest, info: ScriptInfo) => ScriptStep | Promise<ScriptStep>);

/** Entries, one a request, in order; or in lanes, when sessions share the model: `pick` names the lane of a request. */
export type Script =
  | readonly ScriptEntry[]
  | Readonly<{ lanes: Readonly<Record<string, readonly ScriptEntry[]>>; pick: (request: ModelRequest) => string }>;

/** What a scripted request costs unless the step says otherwise. */
export const SCRIPTED_USAGE: Usage = Object.freeze({
  inputTokens: 100,
  cachedInputTokens: 0,
  outputTokens: 10,
  reasoningTokens: 0,
  totalTokens: 110,
});

/** An output with the deltas in which it is told. */
export type ScriptedOutput = Readonly<{ output: ModelOutput; deltas: readonly string[] }>;

/** What a request is answered with. When it hangs or fails, the last output is told but never finished. */
export type ScriptedAnswer = Readonly<{
  outputs: readonly ScriptedOutput[];
  ending:
    | Readonly<{ how: 'completed' | 'hangs' }>
    | Readonly<{ how: 'incomplete'; reason: string }>
    | Readonly<{ how: 'failed'; error: TaskError }>;
  usage: Usage | null;
}>;

/** What a test asks a script about afterwards. */
export type ScriptReport = Readonly<{
  /** Every request that was made, in order. */
  requests: readonly ModelRequest[];
  /** What went otherwise than the script says. */
  complaints: readonly string[];
  /** Steps that no request has consumed. */
  remaining(): number;
  /** Throws an error that lists the complaints and the steps that are left; does nothing when there are none. */
  verify(): void;
}>;

export type PlayedScript = Readonly<{
  report: ScriptReport;
  /** Consumes a step for the request, and waits as the step says. Null: `signal` aborted meanwhile. */
  answer(request: ModelRequest, signal: AbortSignal): Promise<ScriptedAnswer | null>;
  complain(complaint: string): void;
}>;

/** Plays a script: what scripted models of every depth have in common. */
export function playScript(script: Script, clock: Clock): PlayedScript {
  const lanes = lanesOf(script);
  const requests: ModelRequest[] = [];
  const complaints: string[] = [];
  const lastCalls = new Map<string, readonly string[]>();

  function refuse(complaint: string): ScriptStep {
    complaints.push(complaint);
    return { fail: { code: 'model-error', message: complaint, retryable: false }, usage: null };
  }

  function laneOf(request: ModelRequest): Lane {
    try {
      const name = 'lanes' in script ? script.pick(request) : '';
      return lanes.get(name) ?? newLane(name, []);
    } catch (thrown) {
      return newLane(`none: pick threw: ${messageOf(thrown)}`, []);
    }
  }

  async function stepFor(request: ModelRequest, index: number, lane: Lane): Promise<ScriptStep> {
    const which = `request ${index + 1}${lane.words}`;
    const entry = lane.entries[lane.next];
    if (entry === undefined) return refuse(`The script has no step for ${which}: ${gist(request)}`);
    lane.next += 1;
    try {
      const info = { index, lastOutputs: outputsOf(request, lastCalls.get(request.cacheKey)) };
      const step = typeof entry === 'function' ? await entry(request, info) : entry;
      step.expect?.(request);
      await step.waitFor;
      return step;
    } catch (thrown) {
      return refuse(`The script expected something else of ${which}: ${messageOf(thrown)}`);
    }
  }

  return {
    report: {
      requests,
      complaints,
      remaining: () => [...lanes.values()].reduce((sum, lane) => sum + lane.entries.length - lane.next, 0),
      verify() {
        const left = [...lanes.values()].flatMap(({ entries, next, words }) => {
          const count = entries.length - next;
          return count === 0 ? [] : [`${count} of the ${entries.length} steps${words} were not asked for.`];
        });
        const problems = [...complaints, ...left];
        if (problems.length > 0) throw new Error(`The script was not played as written:\n${problems.join('\n')}`);
      },
    },
    complain: (complaint) => void complaints.push(complaint),
    async answer(request, signal) {
      const index = requests.push(request) - 1;
      const lane = laneOf(request);
      const step = await unlessAborted(stepFor(request, index, lane), signal);
      if (step?.afterMs !== undefined) await pause(clock, step.afterMs, signal);
      if (step === null || signal.aborted) return null;
      const answer = answerOf(step, lane);
      const calls = answer.outputs.flatMap(({ output }) => (output.type === 'call' ? output.callId : []));
      lastCalls.set(request.cacheKey, calls);
      return answer;
    },
  };
}

type Lane = {
  readonly words: string;
  readonly prefix: string;
  readonly entries: readonly ScriptEntry[];
  next: number;
  calls: number;
};

function lanesOf(script: Script): ReadonlyMap<string, Lane> {
  if (!('lanes' in script)) return new Map([['', newLane('', script)]]);
  return new Map(Object.entries(script.lanes).map(([name, entries]) => [name, newLane(name, entries)]));
}

function newLane(name: string, entries: readonly ScriptEntry[]): Lane {
  const words = name === '' ? '' : ` in lane '${name}'`;
  return { words, prefix: name === '' ? 'call_' : `call_${name}_`, entries, next: 0, calls: 0 };
}

function answerOf(step: ScriptStep, lane: Lane): ScriptedAnswer {
  const usage = step.usage === undefined ? SCRIPTED_USAGE : step.usage;
  const texts = [...textOutput('reasoning', step.reason), ...textOutput('message', step.say)];
  if (step.hang) return { outputs: texts, ending: { how: 'hangs' }, usage };
  if (step.fail !== undefined) {
    const error = {
      code: 'model-error' as const,
      message: 'The script says that this fails.',
      retryable: false,
      ...step.fail,
    };
    return { outputs: texts, ending: { how: 'failed', error }, usage: step.usage ?? null };
  }
  const calls = [step.call ?? []].flat().map((call: ScriptCall): ScriptedOutput => {
    const { name, custom } = call;
    if (call.callId === undefined) lane.calls += 1;
    const callId = call.callId ?? `${lane.prefix}${lane.calls}`;
    const text = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
    return { output: { type: 'call', callId, name, arguments: text, ...(custom ? { custom } : {}) }, deltas: [] };
  });
  const ending =
    step.incomplete === undefined
      ? { how: 'completed' as const }
      : { how: 'incomplete' as const, reason: step.incomplete };
  return { outputs: [...texts, ...calls], ending, usage };
}

function textOutput(
  type: 'message' | 'reasoning',
  said: string | readonly string[] | undefined,
): readonly ScriptedOutput[] {
  if (said === undefined) return [];
  const deltas = [said].flat().filter((delta) => delta !== '');
  return [{ output: { type, text: deltas.join('') }, deltas }];
}

/** The outputs of these calls; when they are not known (the session is older than the script), all that there are. */
function outputsOf(request: ModelRequest, calls: readonly string[] | undefined): Readonly<Record<string, string>> {
  const outputs = request.history.filter((entry) => entry.type === 'output');
  const wanted = calls === undefined ? outputs : outputs.filter((entry) => calls.includes(entry.callId));
  return Object.fromEntries(wanted.map((entry) => [entry.callId, entry.output]));
}

/** The request in short, for a complaint. */
function gist(request: ModelRequest): string {
  const last = request.history.at(-1);
  return last === undefined
    ? 'its history is empty.'
    : `its history of ${request.history.length} ends in ${JSON.stringify(last)}.`;
}

import type { Confinement, KillReport, Proc, ProcessEnd } from '../process/port.ts';
import type { Applied } from '../tools/apply-patch/apply.ts';
import type { StoredJournal } from './journal-store.ts';

/** How long a helper may take: thousands of files on a slow disk. */
const TIMEOUT_MS = 300_000;
/** How long it may take to undo what it has done when it is told to stop. */
const GRACE_MS = 5_000;
/** More than any answer. */
const OUTPUT_MAX_BYTES = 8_388_608;
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** How a helper ended: with its answer, or without one; then `why` says in a sentence what happened, and `began` whether it was started. */
export type HelperEnd = Readonly<{ answer: Applied | null; began: boolean; why: string }>;

export interface RunningHelper {
  readonly ended: Promise<HelperEnd>;
  /** Tells it to stop and to undo what it has done. */
  stop(): void;
  kill(graceMs: number): Promise<KillReport>;
}

/** Starts the helper on a journal. */
export function runPatchHelper(
  { proc, program }: Readonly<{ proc: Proc; program: string }>,
  task: 'apply' | 'roll-back',
  { bytes }: StoredJournal,
  confinement: Confinement,
): RunningHelper {
  const running = proc.spawn({
    argv: [process.execPath, ...(program.endsWith('.ts') ? FLAGS_FOR_SOURCES : []), program, task],
    cwd: '/',
    env: { PATH, LC_ALL: 'C' },
    timeoutMs: TIMEOUT_MS,
    graceMs: GRACE_MS,
    keepBytes: OUTPUT_MAX_BYTES,
    outputMaxBytes: OUTPUT_MAX_BYTES,
    confinement,
    input: bytes,
  });
  return {
    ended: running.ended.then(endOf),
    stop: () => void running.kill(GRACE_MS),
    kill: (graceMs) => running.kill(graceMs),
  };
}

/** Node before 22.18 strips types only when told to. */
const FLAGS_FOR_SOURCES = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

function endOf({ status, exitCode, output, error }: ProcessEnd): HelperEnd {
  if (status === 'not-started') return { answer: null, began: false, why: error ?? 'It could not be started.' };
  const answer = answerIn(output.text);
  const said = output.text.trim().slice(-SAID_MAX_CHARACTERS);
  const words = `The process that changes the files was cut (${status}, exit code ${exitCode}${said === '' ? '' : `: ${said}`}).`;
  return { answer, began: true, why: words };
}

/** What is shown of what a helper said that gave no answer. */
const SAID_MAX_CHARACTERS = 500;

function answerIn(text: string): Applied | null {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    const answer: unknown = JSON.parse(line);
    const isAnswer = typeof answer === 'object' && answer !== null && 'status' in answer;
    return isAnswer ? (answer as unknown as Applied) : null; // Nobody but the helper of this version writes there.
  } catch {
    return null;
  }
}

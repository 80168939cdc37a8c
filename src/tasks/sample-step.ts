import type { SampleInput } from '../../machines/regular.machine.ts';
import { ARGUMENTS_CHARACTERS_MAX } from '../limits.ts';
import type { ModelAnswer, ModelOutput, ModelProgress } from '../model/port.ts';
import type { TaskError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import { inputParts, inputText, type UserInput } from '../protocol/input.ts';
import type { Item } from '../protocol/items.ts';
import type { SampleEnd, ToolCall } from '../protocol/messages.ts';
import { misfit } from './output-schema.ts';
import type { SessionPorts } from './ports.ts';

/**
 * One model request of a step: what the user said goes in first, what the model says is told as it comes, and enters
 * the history only once the answer is whole. Tool calls come back; nothing of them has run.
 */
export async function sampleStep(
  ports: SessionPorts,
  { step, isCompacted, continues }: Omit<SampleInput, 'task'>,
): Promise<SampleEnd> {
  if (ports.window.isFull) return isCompacted ? stillFull(ports) : { status: 'full' };
  if (step === 1 && ports.once('input')) sayInput(ports, ports.input as UserInput); // The schema of the kind has validated it.
  // After a compaction in the middle of its work the model goes on with that first: what was said comes with the next step.
  if (!(isCompacted && continues)) for (const { inputId, input } of ports.takeInputs()) sayInput(ports, input, inputId);
  // What was said is kept; a task that was aborted as it began does nothing with it.
  if (ports.isStopping) return { status: 'aborted' };
  if (ports.once(`step ${step}`)) ports.commit({ type: 'step.started', step });
  const shown: Shown[] = [];
  const answer = await ports.sample({}, (progress) => show(ports, shown, progress));
  if ('usage' in answer && answer.usage !== null) ports.countUsage(answer.usage);
  if (answer.status === 'aborted') return { status: 'aborted' };
  if (answer.status === 'failed' && !isCompacted && shown.length === 0 && mayFitShorter(ports, answer.error))
    return { status: 'full' };
  if (answer.status === 'failed') return { status: 'failed', error: answer.error };
  const end = accept(ports, step, answer, shown);
  if (answer.usage !== null) ports.window.measured(answer.usage.totalTokens);
  return end;
}

/** The server found the history too long, whatever we know of its window; what the user said would stay as long as it is. */
function mayFitShorter(ports: SessionPorts, error: TaskError): boolean {
  if (error.code !== 'context-window-exceeded' || !ports.window.mayCompact) return false;
  return ports.history().entries.some((entry) => entry.type !== 'message' || entry.role !== 'user');
}

/** Another compaction would change nothing, and another one after it. */
function stillFull({ window }: SessionPorts): SampleEnd {
  const message =
    `Even as a summary the history is too long: about ${window.tokens()} tokens, where the model takes ${window.size}. ` +
    'Start a new session, or use a model with a larger window.';
  return { status: 'failed', error: { code: 'context-window-exceeded', message, retryable: false } };
}

type Shown = { id: string; type: ModelOutput['type'] };

function sayInput(ports: SessionPorts, input: UserInput, inputId?: string): void {
  const content = inputParts(input);
  const kept = inputId === undefined ? {} : { inputId };
  const item: Item = { id: ports.nextItemId(), type: 'user_message', text: inputText(input), content, ...kept };
  ports.commit({ type: 'item.completed', item }, [{ type: 'message', role: 'user', content }]);
}

/** Shows what the model says while it says it. A retry begins again: the same items, their text from nothing. */
function show(ports: SessionPorts, shown: Shown[], progress: ModelProgress): void {
  switch (progress.type) {
    case 'output.started': {
      const known = shown[progress.index];
      if (known?.type === progress.output) return;
      const id = ports.nextItemId();
      shown[progress.index] = { id, type: progress.output };
      const item = itemOf(id, progress.output, '');
      if (item !== null) ports.commit({ type: 'item.started', item });
      return;
    }
    case 'output.delta': {
      const known = shown[progress.index];
      if (known === undefined || known.type === 'call') return;
      ports.emit({ type: 'item.delta', itemId: known.id, delta: progress.delta });
      return;
    }
    case 'output.completed':
      return;
    case 'retrying': {
      const { attempt, of, delayMs, error } = progress;
      ports.emit({ type: 'stream.retrying', attempt, of, delayMs, error });
      return;
    }
    default:
      progress satisfies never;
  }
}

function accept(
  ports: SessionPorts,
  step: number,
  answer: Extract<ModelAnswer, { status: 'completed' | 'incomplete' }>,
  shown: readonly Shown[],
): SampleEnd {
  const entries: HistoryEntry[] = [];
  const calls: ToolCall[] = [];
  let text: string | null = null;
  answer.outputs.forEach((output, index) => {
    if (output.type === 'call') {
      // Half a call is not run, and not kept: the model would be shown a call that it did not finish.
      if (answer.status === 'completed') calls.push(register(ports, output, entries));
      return;
    }
    if (output.type === 'message') text = output.text;
    entries.push(entryOf(ports.provider, output, answer.status === 'incomplete'));
    const id = shown[index]?.type === output.type ? shown[index].id : ports.nextItemId();
    const item = itemOf(id, output.type, output.text);
    if (item !== null)
      ports.commit({
        type: 'item.completed',
        item: answer.status === 'incomplete' ? { ...item, partial: true } : item,
      });
  });
  ports.commit({ type: 'step.completed', step, calls: calls.length }, entries);
  if (answer.status === 'incomplete') {
    const message = `The model stopped before it had finished (${answer.reason}). What it had said is kept.`;
    ports.commit({ type: 'warning.raised', code: 'answer-incomplete', message });
  }
  if (calls.length > 0 || answer.status === 'incomplete')
    return { status: 'completed', answer: text, calls, more: ports.hasInputs };
  if (!ports.hasInputs && ports.agents.areAwaited)
    return { status: 'completed', answer: text, calls, more: false, awaits: true };
  const wrong = ports.workspace.outputSchema === undefined ? null : misfit(text ?? '', ports.workspace.outputSchema);
  if (wrong === null) return { status: 'completed', answer: text, calls, more: ports.hasInputs };
  if (!ports.once('repair'))
    return { status: 'failed', error: { code: 'invalid-output', message: wrong, retryable: true } };
  sayInput(ports, `${wrong}\nAnswer again with JSON that fits the schema, and with nothing else.`);
  return { status: 'completed', answer: text, calls, more: true };
}

/** Enters a call into the history, under an id that no other call of the session has. */
function register(
  ports: SessionPorts,
  output: Extract<ModelOutput, { type: 'call' }>,
  entries: HistoryEntry[],
): ToolCall {
  const callId = ports.uniqueCallId(output.callId);
  const { name, custom } = output;
  const isLong = output.arguments.length > ARGUMENTS_CHARACTERS_MAX;
  const text = isLong ? '{}' : output.arguments;
  const isRenamed = callId !== output.callId;
  const marks = custom === true ? { custom } : {};
  entries.push({
    type: 'call',
    callId,
    name,
    arguments: text,
    ...marks,
    ...(output.raw === undefined || isRenamed || isLong ? {} : { raw: { provider: ports.provider, item: output.raw } }),
  });
  const call = ports.calls.add({ callId, name, arguments: text, ...marks });
  if (isRenamed && output.callId !== '')
    call.refusal = `The call id "${output.callId}" was used before. Each call needs an id of its own; call again.`;
  if (isLong)
    call.refusal = `Expected arguments of at most ${ARGUMENTS_CHARACTERS_MAX} characters, got ${output.arguments.length}. Split the work.`;
  return { callId, name, arguments: text, ...marks, parallel: ports.tools.get(name)?.parallel ?? true };
}

function entryOf(provider: string, output: Exclude<ModelOutput, { type: 'call' }>, partial: boolean): HistoryEntry {
  const raw = output.raw === undefined ? {} : { raw: { provider, item: output.raw } };
  return output.type === 'message'
    ? { type: 'message', role: 'assistant', text: output.text, ...(partial ? { partial } : {}), ...raw }
    : { type: 'reasoning', text: output.text, ...raw };
}

function itemOf(id: string, type: ModelOutput['type'], text: string): Item | null {
  if (type === 'message') return { id, type: 'agent_message', text };
  return type === 'reasoning' ? { id, type: 'reasoning', text } : null;
}

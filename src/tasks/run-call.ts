import { OUTPUT_CHARACTERS_MAX } from '../limits.ts';
import { type Redact, redactPieces } from '../policy/redact.ts';
import { whyNotKept } from '../policy/rules.ts';
import { messageOf } from '../protocol/errors.ts';
import type { CallStatus, ItemDraft } from '../protocol/items.ts';
import type { AskEnd, CheckEnd } from '../protocol/messages.ts';
import { type Decision, decisionWord } from '../protocol/requests.ts';
import type { LeafScope } from '../runtime/leaf.ts';
import type { Tool, ToolResult } from '../tools/tool.ts';
import type { CallRecord, SessionPorts } from './ports.ts';

/** Finds the tool, validates the arguments, asks the policy. A call that cannot run is settled with what was wrong. */
export async function checkCall(ports: SessionPorts, callId: string): Promise<CheckEnd> {
  const call = ports.calls.get(callId);
  try {
    return await check(ports, call);
  } catch (error) {
    return refuse(ports, call, `The call could not be checked: ${messageOf(error)}`);
  }
}

async function check(ports: SessionPorts, call: CallRecord): Promise<CheckEnd> {
  if (call.refusal !== null) return refuse(ports, call, call.refusal);
  const tool = ports.tools.get(call.name);
  if (tool === undefined) {
    const known = [...ports.tools.keys()].join(', ');
    return refuse(ports, call, `Unknown tool "${call.name}". The tools are: ${known}.`);
  }
  const json = parsed(call);
  if (!json.ok) return refuse(ports, call, json.message);
  const validated = await tool.parse(json.value);
  if (!validated.ok) return refuse(ports, call, `Invalid arguments for ${call.name}: ${validated.message}`);
  call.tool = tool;
  call.input = validated.input;
  if (ports.beforeToolCall !== null) {
    const refusal = await consult(ports, call, tool);
    if (refusal !== null) return refuse(ports, call, refusal, 'declined');
  }
  call.itemId = ports.nextItemId();
  call.draft = tool.present(call.input, { callId: call.callId, context: ports.workspace });
  ports.commit({ type: 'item.started', item: { id: call.itemId, ...call.draft } });
  return consultPolicy(ports, call, tool);
}

/** What the policy says of a call as it is now. */
async function consultPolicy(ports: SessionPorts, call: CallRecord, tool: Tool): Promise<CheckEnd> {
  const checked = await tool.check(call.input, ports.workspace);
  if (checked.verdict === 'refuse') return refuse(ports, call, checked.message, 'declined');
  if (checked.verdict === 'allow') return 'run';
  if (ports.isGranted(checked.key)) {
    call.approved = checked.subject;
    return 'run';
  }
  call.subject = checked.subject;
  call.reason = checked.reason;
  call.key = checked.key;
  return 'ask';
}

/**
 * Asks for a call. A refusal is its output, and the model goes on. A call that the person has changed is another one: it is
 * checked again, and asked about again as it will be run, if there is still something to ask.
 */
export async function askForCall(ports: SessionPorts, callId: string): Promise<AskEnd> {
  const call = ports.calls.get(callId);
  if (call.subject === null) throw new Error(`Expected the call "${callId}" to have a subject to ask about, got none.`);
  const decision = await ports.ask(call.subject, {
    callId,
    ...(call.reason === undefined ? {} : { reason: call.reason }),
  });
  const word = decisionWord(decision);
  if (word === 'approved' || word === 'approved-for-session' || word === 'approved-with-rule') {
    if (word === 'approved-for-session') ports.grant(call.key);
    if (typeof decision === 'object' && decision.decision === 'approved-with-rule')
      await keep(ports, call, decision.rule);
    call.approved = call.subject;
    const edited = typeof decision === 'object' && 'edited' in decision ? decision.edited : undefined;
    if (edited === undefined) return 'run';
    const next = await edit(ports, call, edited);
    return next === 'ask' ? askForCall(ports, callId) : next;
  }
  refuse(ports, call, rejectionWords(decision), 'declined');
  return 'settled';
}

/** Keeps the rule of an approval, if it is one that was shown; that it was not kept changes nothing for this call. */
async function keep(ports: SessionPorts, { subject }: CallRecord, rule: readonly string[]): Promise<void> {
  const shown = subject?.kind === 'command' ? subject.suggestedRule : undefined;
  const why = whyNotKept(rule, shown) ?? (await ports.keepRule(rule));
  if (why === null) return;
  const message = `The command was approved this once, but the rule was not kept: ${why}`;
  ports.commit({ type: 'warning.raised', code: 'rule-not-kept', message });
}

function rejectionWords(decision: Decision): string {
  const isForAll = typeof decision === 'object' && 'all' in decision;
  const also = isForAll ? ' Whatever else is asked here is denied as well: go on without it.' : '';
  const message = typeof decision === 'object' && 'message' in decision ? decision.message : undefined;
  if (message === undefined) return isForAll ? `rejected by user.${also}` : 'rejected by user';
  return `rejected: ${message}${also}`;
}

async function edit(ports: SessionPorts, call: CallRecord, edited: unknown): Promise<CheckEnd> {
  const { tool, name, callId } = call;
  if (tool === null) throw new Error(`Expected the call "${callId}" to be checked, got one that is not.`);
  const isPart = [edited, call.input].every((value) => typeof value === 'object' && value !== null);
  const validated = await tool.parse(isPart ? { ...Object(call.input), ...Object(edited) } : edited);
  if (!validated.ok) {
    const message = `rejected: the user changed the input of ${name} to something invalid: ${validated.message}`;
    return refuse(ports, call, message, 'declined');
  }
  // What was shown already is what it was changed to.
  if (JSON.stringify(validated.input) === JSON.stringify(call.input)) return 'run';
  call.approved = null;
  call.input = validated.input;
  call.isEdited = true;
  call.draft = tool.present(call.input, { callId, context: ports.workspace });
  return consultPolicy(ports, call, tool);
}

/** Runs a call once its start is in the log, and settles it with what it came to. */
export async function executeCall(ports: SessionPorts, callId: string, scope: LeafScope<unknown>): Promise<true> {
  const call = ports.calls.get(callId);
  const { tool, draft, itemId } = call;
  if (tool === null || draft === null || itemId === null)
    throw new Error(`Expected the call "${callId}" to be checked, got one that is not.`);
  if ((await tool.mayChangeFiles?.(call.input, ports.workspace)) === true) await ports.protect(scope.signal);
  const isLogged = await ports.safe();
  if (scope.signal.aborted) return true;
  // What has no trace in the log could be repeated by whoever comes after a crash.
  if (!isLogged) {
    refuse(ports, call, NOT_LOGGED);
    return true;
  }
  call.startedAt = ports.clock.now();
  const result = withoutSecrets(await run(ports, call, tool, scope, itemId), ports.redact);
  if (result.killed !== undefined) scope.reportKilled(result.killed);
  const { aborted } = scope.signal;
  const status: CallStatus = aborted ? 'aborted' : result.success ? 'completed' : 'failed';
  const output = bounded(call.isEdited ? `${editedWords(call)}\n${result.output}` : result.output);
  const shown = status === 'completed' && !('output' in draft) ? {} : wordsIn(draft, output);
  const item = { ...draft, ...shown, ...result.item, status } as ItemDraft; // A tool gives fields of its own item only.
  if (!scope.revoked) ports.calls.settle(callId, { output, item, partial: aborted });
  return true;
}

/** The model has to know that something else was done than it asked for. */
function editedWords({ input }: CallRecord): string {
  return `The user changed this call before it was run. Its input was: ${JSON.stringify(input)}`;
}

const NOT_LOGGED =
  'The call was not run, because its start could not be written to the log: the disk is full, broken or too slow.';

async function run(
  ports: SessionPorts,
  call: CallRecord,
  tool: Tool,
  scope: LeafScope<unknown>,
  itemId: string,
): Promise<ToolResult> {
  const { callId, input } = call;
  const pieces = redactPieces(ports.redact);
  const show = (delta: string) => {
    if (delta !== '') ports.emit({ type: 'item.delta', itemId, delta });
  };
  try {
    return await tool.execute(input, {
      signal: scope.signal,
      callId,
      context: ports.workspace,
      approved: call.approved,
      progress: (text) => show(pieces.put(text)),
      ask: (subject, options) => ports.ask(subject, { callId, ...options }),
      own: (owned) => scope.own(owned),
      agents: ports.agents,
    });
  } catch (error) {
    const seconds = Math.max(0.1, (ports.clock.now() - call.startedAt) / 1_000);
    const output = scope.signal.aborted
      ? `aborted by user after ${seconds.toFixed(1)} s`
      : `The tool failed: ${messageOf(error)}`;
    return { output, success: false };
  } finally {
    show(pieces.end());
  }
}

/** What a tool has found is nobody's business where it is a secret: neither the model's nor the log's. */
function withoutSecrets({ output, item, ...rest }: ToolResult, redact: Redact): ToolResult {
  const shown = item !== undefined && 'output' in item ? item.output : undefined;
  const cleaned = typeof shown === 'string' ? { ...item, output: redact(shown) } : item;
  // The fields are those of the item that they came from.
  return { ...rest, output: redact(output), ...(cleaned === undefined ? {} : { item: cleaned as Partial<ItemDraft> }) };
}

function refuse(ports: SessionPorts, call: CallRecord, message: string, status: CallStatus = 'failed'): 'settled' {
  const { callId, name } = call;
  const draft: ItemDraft = call.draft ?? {
    type: 'tool_call',
    callId,
    name,
    arguments: call.arguments,
    output: message,
    status,
  };
  const item = { ...draft, ...wordsIn(draft, message), status } as ItemDraft; // Every item of a call has a status.
  ports.calls.settle(callId, { output: message, item, partial: false });
  return 'settled';
}

/** Where an item shows words to people. */
function wordsIn(draft: ItemDraft, words: string): { output?: string; message?: string } {
  if ('output' in draft) return { output: words };
  return draft.type === 'file_change' ? { message: words } : {};
}

function parsed(call: CallRecord): { ok: true; value: unknown } | { ok: false; message: string } {
  if (call.custom === true) return { ok: true, value: { input: call.arguments } };
  try {
    return { ok: true, value: JSON.parse(call.arguments === '' ? '{}' : call.arguments) };
  } catch (error) {
    return {
      ok: false,
      message: `Expected the arguments of ${call.name} to be JSON, got something else: ${messageOf(error)}. Call again with valid JSON.`,
    };
  }
}

async function consult(ports: SessionPorts, call: CallRecord, tool: Tool): Promise<string | null> {
  const { name, input, callId } = call;
  const verdict = await ports.beforeToolCall?.({ name, input, callId, context: ports.workspace });
  if (verdict === undefined || verdict.verdict === 'allow') return null;
  if (verdict.verdict === 'refuse') return verdict.message;
  const validated = await tool.parse(verdict.input);
  if (!validated.ok) return `beforeToolCall changed the input of ${name} to something invalid: ${validated.message}`;
  call.input = validated.input;
  return null;
}

/** The head and the tail of a long output, with the true length between them. */
function bounded(output: string): string {
  if (output.length <= OUTPUT_CHARACTERS_MAX) return output;
  const half = OUTPUT_CHARACTERS_MAX / 2;
  const left = output.length - OUTPUT_CHARACTERS_MAX;
  return `${output.slice(0, half)}\n… ${left} of ${output.length} characters left out …\n${output.slice(-half)}`.toWellFormed();
}

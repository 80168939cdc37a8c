import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import type { ItemDraft } from '../protocol/items.ts';
import type { TaskContext } from '../protocol/settings.ts';
import { type JsonSchema, parametersOf } from './json-schema.ts';
import type { Check, Parsed, Tool, ToolResult, ToolScope } from './tool.ts';

/** What providers accept as the name of a function. */
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** How many complaints about one input are told; more would not help a model. */
const ISSUES_SHOWN_MAX = 5;
/** How many characters of a bad value are shown. */
const VALUE_CHARACTERS_MAX = 60;

/** A result with more to say than its text; `success` is true unless it says otherwise. */
export type ToolAnswer = Pick<ToolResult, 'output'> & Partial<ToolResult>;

/** What `execute` may give: text, an answer, or anything that JSON can hold (nothing is the empty text). */
export type ToolReturn = string | number | boolean | null | undefined | ToolAnswer | object;

/** A tool as its author writes it; the type of `input` follows from the schema. */
export type ToolDefinition<S extends StandardSchemaV1> = Readonly<{
  name: string;
  /** What the model is told about it. */
  description: string;
  input: S;
  /** JSON Schema of the input; not needed when the schema can tell it (Zod 4 can). */
  parameters?: JsonSchema;
  /** May run beside other calls that may, too. Default: false. */
  parallel?: boolean;
  /** What must be asked before it runs. Default: nothing. */
  check?(input: Parsed<S>, context: TaskContext): Check | Promise<Check>;
  /** Whether a call may change files of the work tree. Default: it does not. */
  mayChangeFiles?(input: Parsed<S>, context: TaskContext): boolean | Promise<boolean>;
  /** The item that shows a call. Default: a `tool_call`. */
  present?(input: Parsed<S>, call: { callId: string; context: TaskContext }): ItemDraft;
  /** Does it. What it throws becomes a failed call, told to the model. */
  execute(input: Parsed<S>, scope: ToolScope): ToolReturn | Promise<ToolReturn>;
}>;

/** Makes a tool of what its author wrote; throws `invalid-config` when a model could not be told of it. */
export function defineTool<S extends StandardSchemaV1>(definition: ToolDefinition<S>): Tool {
  const { name, description, input: schema, parallel = false } = definition;
  if (!TOOL_NAME.test(name)) {
    throw new TroupeError(
      'invalid-config',
      `Expected the name of a tool to be 1 to 64 letters, digits, "_" or "-", got ${shown(name)}.`,
    );
  }
  // The session hands back only what `parse` below has given.
  const own = (input: unknown) => input as Parsed<S>;
  return {
    name,
    description,
    parallel,
    parameters: parametersOf(name, schema, definition.parameters),
    async parse(input) {
      const result = await schema['~standard'].validate(input);
      if (result.issues === undefined) return { ok: true, input: result.value };
      return { ok: false, message: `Invalid arguments for ${name}: ${issuesText(result.issues, input)}.` };
    },
    present(input, call) {
      if (definition.present !== undefined) return definition.present(own(input), call);
      return { type: 'tool_call', callId: call.callId, name, arguments: input, output: '', status: 'in_progress' };
    },
    async check(input, context) {
      return (await definition.check?.(own(input), context)) ?? { verdict: 'allow' };
    },
    ...(definition.mayChangeFiles === undefined
      ? {}
      : { mayChangeFiles: (input, context) => definition.mayChangeFiles?.(own(input), context) ?? false }),
    async execute(input, scope) {
      const answer = answerOf(name, await definition.execute(own(input), scope));
      if (definition.present !== undefined || answer.item !== undefined) return answer;
      return { ...answer, item: { output: answer.output, status: answer.success ? 'completed' : 'failed' } };
    },
  };
}

function answerOf(tool: string, returned: ToolReturn): ToolResult {
  if (returned === undefined) return { output: '', success: true };
  if (typeof returned === 'string') return { output: returned, success: true };
  if (isAnswer(returned)) return { success: true, ...returned };
  return { output: jsonOf(tool, returned), success: true };
}

const ANSWER_KEYS: readonly string[] = ['output', 'success', 'item', 'killed'];

function isAnswer(returned: unknown): returned is ToolAnswer {
  if (typeof returned !== 'object' || returned === null) return false;
  if (!('output' in returned) || typeof returned.output !== 'string') return false;
  if ('success' in returned && typeof returned.success !== 'boolean') return false;
  return Object.keys(returned).every((key) => ANSWER_KEYS.includes(key));
}

function jsonOf(tool: string, returned: unknown): string {
  const expected = `Expected tool "${tool}" to return text, { output } or something that JSON can hold`;
  let json: string | undefined;
  try {
    json = JSON.stringify(returned);
  } catch (error) {
    throw new TroupeError('tool-error', `${expected}, got something it cannot: ${messageOf(error)}`, { cause: error });
  }
  if (json === undefined) throw new TroupeError('tool-error', `${expected}, got a ${typeof returned}.`);
  return json;
}

function issuesText(issues: readonly StandardSchemaV1.Issue[], input: unknown): string {
  const told = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => issueText(issue, input));
  const more = issues.length - told.length;
  return told.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** `plan[0].status: expected …, got …`; schemas differ in how they word it, so the value is looked up here. */
function issueText(issue: StandardSchemaV1.Issue, input: unknown): string {
  const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  const where = keys.length === 0 ? 'input' : keys.map(keyText).join('').replace(/^\./, '');
  return `${where}: ${expectation(issue.message)}, got ${shown(valueAt(input, keys))}`;
}

function expectation(message: string): string {
  const found = /expected .*/is.exec(message);
  if (found === null) return `expected something else (${message})`;
  return found[0].replace(/^E/, 'e').replace(/, (received|got|but got) .*$/is, '');
}

function keyText(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const text = String(key);
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text) ? `.${text}` : `[${JSON.stringify(text)}]`;
}

function valueAt(input: unknown, keys: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}…`;
}

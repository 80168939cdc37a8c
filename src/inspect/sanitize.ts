/** Keys whose values name things and say nothing of what people, models or tools have written. */
const NAMES: ReadonlySet<string> = new Set([
  ...[
    'type',
    'kind',
    'id',
    'sessionId',
    'taskId',
    'callId',
    'childId',
    'requestId',
    'inputId',
    'itemId',
    'owner',
    'from',
  ],
  ...['status', 'state', 'end', 'phase', 'reason', 'why', 'how', 'by', 'cause', 'code', 'decision', 'stage', 'actorId'],
  ...['placement', 'whenBusy', 'sandbox', 'approvalPolicy', 'effort', 'model', 'name'],
]);

/** A name as programs have it: no prose, no key that opens anything. */
const NAME = /^[\w.:/#@-]{0,64}$/;

const DEPTH_MAX = 10;
const LENGTH_MAX = 100;

/**
 * A copy of what an actor keeps or is told, in which only numbers, truth values and names are left: prompts, answers,
 * commands, outputs, paths of files and whatever secret they may hold are replaced by how long they are.
 */
export function sanitized(value: unknown): unknown {
  return copyOf(value, '', 0);
}

function copyOf(value: unknown, key: string, depth: number): unknown {
  if (typeof value === 'string')
    return NAMES.has(key) && NAME.test(value) ? value : `(text, ${value.length} characters)`;
  if (typeof value === 'function') return '(function)';
  if (typeof value === 'bigint' || typeof value === 'symbol') return `(${typeof value})`;
  if (typeof value !== 'object' || value === null) return value;
  if ('sessionId' in value && '_parent' in value) return '(actor)';
  if (depth === DEPTH_MAX) return '(deeper)';
  if (Array.isArray(value)) {
    const kept = value.slice(0, LENGTH_MAX).map((one) => copyOf(one, key, depth + 1));
    return value.length > LENGTH_MAX ? [...kept, `(${value.length - LENGTH_MAX} more)`] : kept;
  }
  if (!isPlain(value)) return `(${value.constructor?.name ?? 'object'})`;
  // The name of a member may itself be something that was said, as in the answers to questions.
  return Object.fromEntries(
    Object.entries(value).map(([name, one], index) => [
      NAME.test(name) ? name : `(name ${index + 1})`,
      copyOf(one, name, depth + 1),
    ]),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

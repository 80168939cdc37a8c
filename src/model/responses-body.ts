import type { HistoryEntry } from '../protocol/history.ts';
import type { Body, Server } from './endpoint.ts';
import type { ModelRequest, ToolSpec } from './port.ts';
import { inputItems, responsesHead, sentTool } from './responses-input.ts';

/** Entries from which on a history is kept as bytes: a shorter one is written anew in less time than it takes to look. */
export const KEPT_ENTRIES_MIN = 24;
/** Bytes of histories that one model keeps, those of all its sessions together. */
export const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/** Heads that one model keeps, for kinds of sessions that take turns in asking it. */
const HEADS_MAX = 16;

type Writer = (request: ModelRequest, server: Server, without: ReadonlySet<string>) => Body;

/**
 * Writes bodies for the Responses API, as `responsesBody` has them. A history is sent with each request and only grows:
 * of a long one the bytes are kept, and only what has come to it is written.
 */
export function createResponsesWriter(): Writer {
  const headOf = createHeadWriter();
  const kept = createKeptHistories();
  return (request, server, without) => {
    const head = headOf(request, server, without);
    const { history } = request;
    if (history.length < KEPT_ENTRIES_MIN) return `${head}${joined(inputItems(history, server, without))}]}`;
    const { bytes, entries } = kept.bytesOf(request, server, without);
    const rest = joined(inputItems(history, server, without, entries));
    const comma = bytes.length > 0 && rest !== '' ? ',' : '';
    return [Buffer.from(head), bytes, Buffer.from(`${comma}${rest}]}`)];
  };
}

/** The items as JSON, without the brackets. */
function joined(items: readonly unknown[]): string {
  return items.length === 0 ? '' : JSON.stringify(items).slice(1, -1);
}

type Head = Readonly<{ request: ModelRequest; model: string; without: number; begin: string }>;

/** The beginning of a body, up to its input. Sessions of one kind have all of it but their key in common. */
function createHeadWriter(): (...wanted: Parameters<Writer>) => string {
  /** Who was asked for last comes first. */
  const heads: Head[] = [];
  return (request, server, without) => {
    const known = heads.find((head) => isSameHead(head, request, server, without)) ?? newHead(request, server, without);
    if (heads[0] !== known) {
      const at = heads.indexOf(known);
      heads.splice(at === -1 ? HEADS_MAX - 1 : at, 1);
      heads.unshift(known);
    }
    const key = without.has('prompt_cache_key') ? '' : `,"prompt_cache_key":${JSON.stringify(request.cacheKey)}`;
    return `${known.begin}${key},"input":[`;
  };
}

function newHead(request: ModelRequest, server: Server, without: ReadonlySet<string>): Head {
  const { tools } = request;
  const fields = { ...responsesHead(request, server, without), prompt_cache_key: undefined, tools: undefined };
  const told = tools.length === 0 ? '' : `,"tools":[${tools.map(toolText).join(',')}]`;
  const begin = `${JSON.stringify(fields).slice(0, -1)}${told}`;
  return { request: { ...request, history: [] }, model: server.model, without: without.size, begin };
}

/** Tools as JSON: sessions that differ in one of them have the others in common. */
const toolTexts = new WeakMap<ToolSpec, string>();

function toolText(tool: ToolSpec): string {
  const text = toolTexts.get(tool) ?? JSON.stringify(sentTool(tool));
  toolTexts.set(tool, text);
  return text;
}

/** What servers refuse to know only grows, so its size tells whether it is the same. */
function isSameHead(known: Head, request: ModelRequest, server: Server, without: ReadonlySet<string>): boolean {
  const before = known.request;
  return (
    known.model === server.model &&
    known.without === without.size &&
    before.instructions === request.instructions &&
    before.parallelToolCalls === request.parallelToolCalls &&
    before.effort === request.effort &&
    before.outputSchema === request.outputSchema &&
    areSameTools(before.tools, request.tools)
  );
}

function areSameTools(before: readonly ToolSpec[], now: readonly ToolSpec[]): boolean {
  return before.length === now.length && before.every((tool, at) => tool === now[at]);
}

/** The bytes of a history up to an entry. Never changed once they were given out: only what comes after them is. */
type Kept = { entries: HistoryEntry[]; without: number; bytes: Buffer; length: number };

function createKeptHistories() {
  /** By the key of the session; who was asked for last comes last. */
  const histories = new Map<string, Kept>();
  let total = 0;

  const begin = (without: number): Kept => ({ entries: [], without, bytes: Buffer.alloc(0), length: 0 });
  const grow = (kept: Kept, needed: number) => {
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, kept.bytes.length * 2));
    kept.bytes.copy(bytes, 0, 0, kept.length);
    total += bytes.length - kept.bytes.length;
    kept.bytes = bytes;
  };
  const forget = (key: string) => {
    total -= histories.get(key)?.bytes.length ?? 0;
    histories.delete(key);
  };

  return {
    /** The bytes of the beginning of the history, and of how many entries they are. */
    bytesOf({ cacheKey, history }: ModelRequest, server: Server, without: ReadonlySet<string>) {
      const known = histories.get(cacheKey);
      const isGrown = known !== undefined && known.without === without.size && startsWith(history, known.entries);
      const kept = isGrown ? known : begin(without.size);
      if (!isGrown) forget(cacheKey);
      histories.delete(cacheKey);
      histories.set(cacheKey, kept);
      const from = kept.entries.length;
      const to = settledUpTo(history, from, server);
      const text = joined(inputItems(history, server, without, from, to));
      if (text !== '') {
        const comma = kept.length === 0 ? '' : ',';
        const needed = kept.length + Buffer.byteLength(text) + comma.length;
        if (needed > kept.bytes.length) grow(kept, needed);
        kept.length += kept.bytes.write(`${comma}${text}`, kept.length);
      }
      for (let at = from; at < to; at += 1) kept.entries.push(history[at] as HistoryEntry); // `to` is at most its length.
      const bytes = kept.bytes.subarray(0, kept.length);
      for (const [key] of histories) {
        if (total <= KEPT_BYTES_MAX) break;
        forget(key);
      }
      return { bytes, entries: to };
    },
  };
}

function startsWith(history: readonly HistoryEntry[], entries: readonly HistoryEntry[]): boolean {
  if (entries.length > history.length) return false;
  for (let at = 0; at < entries.length; at += 1) if (entries[at] !== history[at]) return false;
  return true;
}

/**
 * Up to where a history is written in the same way whatever comes after it: what becomes of a reasoning depends on what
 * follows, and an image that could not be read is tried again.
 */
function settledUpTo(history: readonly HistoryEntry[], from: number, { images }: Server): number {
  let settled = from;
  for (let at = from; at < history.length; at += 1) {
    const entry = history[at];
    if (entry === undefined) break;
    if (entry.type === 'reasoning') continue;
    const isShown =
      entry.type !== 'message' ||
      entry.role === 'assistant' ||
      entry.content.every((part) => part.type !== 'local-image' || images.has(part));
    if (!isShown) break;
    settled = at + 1;
  }
  return settled;
}

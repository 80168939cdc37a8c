import type { Outputs, Slot } from './outputs.ts';
import { type Fields, fieldsOf, isFields, textOf } from './wire-values.ts';

/** A tool call of Chat Completions in the making. */
export type BuiltCall = {
  readonly slot: Slot;
  id: string | null;
  name: string;
  text: string;
  /** What else the server put beside the call, and wants back. */
  beside: Fields;
};

export type ChatCalls = Readonly<{
  /** The call that a piece belongs to; `isNew` when it begins with this piece. */
  take(piece: Fields): Readonly<{ call: BuiltCall; isNew: boolean; characters: number }>;
  of(slot: Slot): BuiltCall | undefined;
}>;

/**
 * Puts calls together from their pieces, which servers mark in different ways: by index, by id, or not at all, when they
 * belong to the last one. A later name or id that is empty says nothing.
 */
export function createChatCalls(outputs: Outputs): ChatCalls {
  const calls: BuiltCall[] = [];
  const byIndex = new Map<number, BuiltCall>();
  const byId = new Map<string, BuiltCall>();

  function find(index: number | null, id: string | null, name: string | null): BuiltCall | undefined {
    const last = calls.at(-1);
    if (index !== null) {
      const known = byIndex.get(index);
      // Some servers give all calls the same index; then the id tells that another one begins.
      const isOther = known !== undefined && known.id !== null && id !== null && id !== known.id && name !== null;
      return isOther ? undefined : known;
    }
    if (id !== null) return byId.get(id) ?? (name === null ? last : undefined);
    return name !== null && last !== undefined && last.name !== '' ? undefined : last;
  }

  return {
    take({ index: place, id: named, function: what, type: _, ...beside }) {
      const index = typeof place === 'number' ? place : null;
      const id = textOf(named) || null;
      const { name: called, arguments: given } = fieldsOf(what);
      const name = textOf(called) || null;
      const known = find(index, id, name);
      const call = known ?? {
        slot: outputs.open('call', { position: null, id: null }),
        id,
        name: '',
        text: '',
        beside,
      };
      if (known === undefined) calls.push(call);
      else if (Object.keys(beside).length > 0) call.beside = { ...call.beside, ...beside };
      if (index !== null) byIndex.set(index, call);
      if (id !== null) byId.set(id, call);
      call.id ??= id;
      if (call.name === '') call.name = name ?? '';
      const text = isFields(given) ? JSON.stringify(given) : (textOf(given) ?? '');
      call.text += text;
      return { call, isNew: known === undefined, characters: text.length + (name?.length ?? 0) };
    },
    of: (slot) => calls.find((call) => call.slot === slot),
  };
}

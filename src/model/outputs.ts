import type { ModelOutput, ModelProgress } from './port.ts';
import { createTextJoiner, type TextJoiner } from './well-formed.ts';
import type { Fields } from './wire-values.ts';

/** One output in the making. */
export type Slot = {
  readonly index: number;
  readonly type: ModelOutput['type'];
  /** As the server calls the item; null when it has not said. */
  id: string | null;
  /** The server has said that it begins; until then only pieces of it came. */
  announced: boolean;
  /** The part that is being told: its kind and number. */
  part: string | null;
  partText: string;
  /** All that was told: what the deltas add up to. */
  told: string;
  readonly joiner: TextJoiner;
  argumentsDone: string | null;
  /** It will not be finished, and nothing of it is kept. */
  cut: boolean;
  output: ModelOutput | null;
};

/** Where an event says that it belongs. */
export type Place = Readonly<{ position: number | null; id: string | null }>;

export type Outputs = Readonly<{
  slots: readonly Slot[];
  /** By position, because some servers give an item another id in each event; by id where there is no position. */
  find(place: Place): Slot | undefined;
  open(type: ModelOutput['type'], place: Place): Slot;
}>;

/** The outputs of one answer, in the order in which they began. */
export function createOutputs(): Outputs {
  const slots: Slot[] = [];
  const byPosition = new Map<number, Slot>();
  const byId = new Map<string, Slot>();
  return {
    slots,
    find: ({ position, id }) => (position === null ? byId.get(id ?? '') : byPosition.get(position)),
    open(type, { position, id }) {
      const slot: Slot = { ...EMPTY, index: slots.length, type, id, joiner: createTextJoiner() };
      slots.push(slot);
      if (position !== null) byPosition.set(position, slot);
      if (id !== null) byId.set(id, slot);
      return slot;
    },
  };
}

const EMPTY = {
  announced: false,
  part: null,
  partText: '',
  told: '',
  argumentsDone: null,
  cut: false,
  output: null,
} as const;

/** Between the parts of a reasoning. */
export const PARAGRAPH = '\n\n';

export const NOTHING: readonly ModelProgress[] = Object.freeze([]);

export function isOpen(slot: Slot): boolean {
  return slot.output === null && !slot.cut;
}

export function started(slot: Slot): ModelProgress {
  return { type: 'output.started', index: slot.index, output: slot.type };
}

/** A piece of a part. A reasoning speaks in its summary or in its content: the kind that comes first is told. */
export function say(slot: Slot, part: string, piece: string): readonly ModelProgress[] {
  if (piece === '') return NOTHING;
  let before = '';
  if (slot.part !== part) {
    if (slot.type === 'reasoning' && slot.part !== null && kindOf(slot.part) !== kindOf(part)) return NOTHING;
    before = slot.joiner.end() + (slot.type === 'reasoning' && slot.told !== '' ? PARAGRAPH : '');
    slot.part = part;
    slot.partText = '';
  }
  slot.partText += piece;
  return tell(slot, before + slot.joiner.push(piece));
}

/** The text of a whole part, of which pieces may have been told. */
export function sayWhole(slot: Slot, part: string, text: string): readonly ModelProgress[] {
  const said = slot.part === part ? slot.partText : '';
  return text.startsWith(said) ? say(slot, part, text.slice(said.length)) : NOTHING;
}

/** The text of a finished item, told as far as it goes on from what was told. */
export function finishText(
  slot: Slot,
  type: 'message' | 'reasoning',
  text: string,
  raw: unknown,
): readonly ModelProgress[] {
  const progress = text.startsWith(slot.told) ? tell(slot, text.slice(slot.told.length)) : NOTHING;
  return [...progress, complete(slot, { type, text, raw })];
}

/** The item came without its text (`raw`), or never came (null): what was told counts. */
export function finishTold(slot: Slot, type: 'message' | 'reasoning', raw: unknown): readonly ModelProgress[] {
  const progress = tell(slot, slot.joiner.end());
  return [...progress, complete(slot, { type, text: slot.told, ...(slot.told === '' ? { raw } : {}) })];
}

/** The server has no items: what was told is all, and `raw` is what it wants to see again, if anything. */
export function finishSaid(slot: Slot, type: 'message' | 'reasoning', raw?: Fields): readonly ModelProgress[] {
  const progress = tell(slot, slot.joiner.end());
  return [...progress, complete(slot, { type, text: slot.told, ...(raw === undefined ? {} : { raw }) })];
}

export function complete(slot: Slot, output: ModelOutput): ModelProgress {
  slot.output = output;
  return { type: 'output.completed', index: slot.index, output };
}

function tell(slot: Slot, delta: string): readonly ModelProgress[] {
  if (delta === '') return NOTHING;
  slot.told += delta;
  return [{ type: 'output.delta', index: slot.index, delta }];
}

function kindOf(part: string): string {
  return part.slice(0, part.indexOf(' '));
}

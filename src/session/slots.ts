/** Who works of the sub-sessions of a tree, and which agents wait until fewer do. Counts what works, and nothing else. */
export type Slots = {
  /** Sub-sessions that are open and not themselves waiting for agents. */
  working: number;
  /** Agents whose turn it is, and whose sub-sessions are about to open. */
  readonly reserved: Set<string>;
  readonly waiting: Map<string, () => void>;
};

export function createSlots(): Slots {
  return { working: 0, reserved: new Set(), waiting: new Map() };
}

/** A sub-session opens; false when too many work, unless a place was kept for this task. */
export function takeSlot(slots: Slots, max: number, taskId: string): boolean {
  if (!slots.reserved.delete(taskId) && !hasRoom(slots, max)) return false;
  slots.working += 1;
  return true;
}

/** A sub-session has closed, or waits for agents of its own. */
export function freeSlot(slots: Slots, max: number): void {
  slots.working -= 1;
  admit(slots, max);
}

/** Resolves with the agent's turn, in the order of asking; with false when the signal is aborted first. */
export function turnOf(slots: Slots, max: number, taskId: string, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  if (slots.waiting.size === 0 && hasRoom(slots, max)) {
    slots.reserved.add(taskId);
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    slots.waiting.set(taskId, () => resolve(true));
    signal.addEventListener('abort', () => resolve(!slots.waiting.delete(taskId)), { once: true });
  });
}

/** The task has ended: what was kept for it is for others. */
export function giveUpTurn(slots: Slots, max: number, taskId: string): void {
  slots.waiting.delete(taskId);
  if (slots.reserved.delete(taskId)) admit(slots, max);
}

function hasRoom({ working, reserved }: Slots, max: number): boolean {
  return working + reserved.size < max;
}

function admit(slots: Slots, max: number): void {
  for (const [taskId, begin] of slots.waiting) {
    if (!hasRoom(slots, max)) return;
    slots.waiting.delete(taskId);
    slots.reserved.add(taskId);
    begin();
  }
}

/** How a file was when it was looked at: one that has changed since, or another one, differs in one of these. Times in ms since 1970. */
export type Stamp = {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  /** As it is written; put into words only when it is, because there are very many, and most are only compared. */
  text: string | null;
};

/** When a file was changed, ms since 1970. */
export type ChangedAt = Pick<Stamp, 'changedMs'>;

export function isSameStamp(a: Stamp, b: Stamp): boolean {
  return a.inode === b.inode && a.size === b.size && a.modifiedMs === b.modifiedMs && a.changedMs === b.changedMs;
}

export function stampText(stamp: Stamp): string {
  stamp.text ??= `${stamp.inode}:${stamp.size}:${stamp.modifiedMs}:${stamp.changedMs}`;
  return stamp.text;
}

/** The stamp that was written; null when the text is none, and what it is of counts as changed. */
export function stampOf(text: string): Stamp | null {
  const parts = text.split(':').map(Number);
  const [inode, size, modifiedMs, changedMs] = parts;
  if (inode === undefined || size === undefined || modifiedMs === undefined || changedMs === undefined) return null;
  return parts.length === 4 && parts.every(Number.isFinite) ? { inode, size, modifiedMs, changedMs, text } : null;
}

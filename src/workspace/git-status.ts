/** One file that is not as the last commit has it. Letters are those of git-status(1), `.` for unchanged. */
export type StatusEntry =
  | Readonly<{
      type: 'changed';
      path: string;
      from: string | null;
      staged: string;
      unstaged: string;
      submodule: boolean;
    }>
  | Readonly<{ type: 'unmerged'; path: string }>
  | Readonly<{ type: 'untracked'; path: string }>;

/** Reads what `git status --porcelain=v2 -z` writes; null when it is something else. */
export function parseStatus(text: string): readonly StatusEntry[] | null {
  const fields = text.split('\0').slice(0, -1);
  const entries: StatusEntry[] = [];
  const left = fields.values();
  for (const field of left) {
    if (field.startsWith('#')) continue;
    const entry = parseEntry(field, () => left.next().value ?? null);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries;
}

function parseEntry(field: string, next: () => string | null): StatusEntry | null {
  switch (field[0]) {
    case '1':
      return changed(/^1 (.)(.) (\S{4}) (?:\S+ ){5}(.+)$/s.exec(field), null);
    case '2':
      return changed(/^2 (.)(.) (\S{4}) (?:\S+ ){6}(.+)$/s.exec(field), next());
    case 'u': {
      const path = /^u (?:\S+ ){9}(.+)$/s.exec(field)?.[1];
      return path === undefined ? null : { type: 'unmerged', path };
    }
    case '?':
      return { type: 'untracked', path: field.slice(2) };
    default:
      return null;
  }
}

function changed(found: RegExpExecArray | null, from: string | null): StatusEntry | null {
  if (found === null) return null;
  const [, staged, unstaged, submodule, path] = found as string[] as [string, string, string, string, string]; // All its groups match.
  return { type: 'changed', path, from, staged, unstaged, submodule: submodule.startsWith('S') };
}

/** Whose rights this process has. Where a system has no users, everything is taken for one's own: `owner` is given back. */
export function effectiveUser(owner: number): number {
  return process.geteuid?.() ?? owner;
}

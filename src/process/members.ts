import type { Identity, ProcessRow, Snapshot } from './process-table.ts';

/** What is known of a command's processes: the first one leads a group of its own and has the marker. */
export type Tree = Readonly<{ leader: Identity; marker: string }>;

/**
 * The living processes of a command: those in its group, those with its marker, those that were seen before, and all
 * their descendants. Nothing that began before the command did, nor this process, is ever among them.
 */
export function membersOf(tree: Tree, snapshot: Snapshot, seen: Iterable<Identity>): readonly ProcessRow[] {
  const members = new Map<number, ProcessRow>();
  const add = (row: ProcessRow) => {
    if (row.pid <= 1 || row.pid === process.pid || row.startTime < tree.leader.startTime) return;
    members.set(row.pid, row);
  };
  if (groupIsOurs(tree, snapshot)) snapshot.byGroup.get(tree.leader.pid)?.forEach(add);
  snapshot.byMarker.get(tree.marker)?.forEach(add);
  for (const { pid, startTime } of seen) {
    const row = snapshot.byPid.get(pid);
    if (row?.startTime === startTime) add(row);
  }
  // The map grows while it is walked, so this reaches every generation.
  for (const pid of members.keys()) snapshot.byParent.get(pid)?.forEach(add);
  return [...members.values()];
}

/** A group's number is not given again while the group has members; afterwards a process may get it, and lead another. */
function groupIsOurs(tree: Tree, snapshot: Snapshot): boolean {
  const leader = snapshot.byPid.get(tree.leader.pid);
  return leader === undefined || leader.startTime === tree.leader.startTime;
}

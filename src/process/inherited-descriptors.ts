import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC as /proc/<pid>/fdinfo shows it (proc_pid_fdinfo(5)), in octal. */
const CLOSE_ON_EXEC = 0o2_000_000;

/**
 * The file descriptors above 2 that a child of this process would inherit; null where that cannot be found out. Node
 * marks those it opens, and at its start those that it finds up to the first gap above 15; what lies beyond reaches
 * every child.
 */
export function inheritedDescriptors(): readonly number[] | null {
  try {
    const open = readdirSync('/proc/self/fd').map(Number);
    return open.filter((descriptor) => descriptor > 2 && !closesOnExec(descriptor));
  } catch {
    return null;
  }
}

function closesOnExec(descriptor: number): boolean {
  const path = `/proc/self/fdinfo/${descriptor}`;
  // The one that read the directory is closed by now.
  if (!existsSync(path)) return true;
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(path, 'latin1'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
}

import { readFileSync } from 'node:fs';
import { trustedProgram } from './trusted-program.ts';

/** How large a file of a sandboxed command may get: 4 GiB. */
export const FILE_MAX_BYTES = 4_294_967_296;
/** How many processes and threads a user may have in one sandbox (the kernel does not count those of root). */
export const PROCESSES_MAX = 4_096;

/** What limits are set with `prlimit` (util-linux), and where they are written in /proc/self/limits. */
const LIMITS = [
  { option: '--fsize', row: 'Max file size', value: FILE_MAX_BYTES },
  { option: '--nproc', row: 'Max processes', value: PROCESSES_MAX },
  { option: '--core', row: 'Max core file size', value: 0 },
];

/**
 * What is put before a sandboxed command to limit it; nothing where `prlimit` is not found. A limit that is lower already
 * is left: raising one takes rights that a sandbox does not have.
 */
export function limitingWords(): readonly string[] {
  known ??= words(trustedProgram('prlimit', process.env.PATH ?? '', process.cwd()), ownLimits());
  return known;
}

let known: readonly string[] | null = null;

function words(program: string | null, own: string): readonly string[] {
  if (program === null) return [];
  const lowering = LIMITS.filter(({ row, value }) => hardLimit(own, row) >= value);
  return [program, ...lowering.map(({ option, value }) => `${option}=${value}`), '--'];
}

function hardLimit(limits: string, row: string): number {
  const hard = limits
    .split('\n')
    .find((line) => line.startsWith(row))
    ?.slice(row.length)
    .trim()
    .split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

function ownLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}

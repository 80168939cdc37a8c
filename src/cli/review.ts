import { TroupeError } from '../index.ts';
import type { ReviewTarget } from '../tasks/review/target.ts';
import { type ExecOptions, exec } from './exec.ts';

export type ReviewOptions = Pick<ExecOptions, 'model' | 'directory' | 'wire' | 'profile' | 'config'> &
  Readonly<{ uncommitted?: boolean; base?: string; commit?: string; json?: boolean }>;

/** Has a change reviewed in a new session, and gives the exit code. */
export async function review(instructions: string | undefined, options: ReviewOptions): Promise<number> {
  const { json, uncommitted: _uncommitted, base: _base, commit: _commit, ...rest } = options;
  return exec([], {
    ...rest,
    sandbox: 'read-only',
    image: [],
    addDir: [],
    target: targetOf(instructions, options),
    format: json === true ? 'findings' : 'text',
  });
}

function targetOf(instructions: string | undefined, { uncommitted, base, commit }: ReviewOptions): ReviewTarget {
  if (instructions !== undefined && (uncommitted === true || base !== undefined || commit !== undefined)) {
    throw new TroupeError(
      'invalid-config',
      'Expected either words or one of --uncommitted, --base and --commit, got both.',
    );
  }
  if (instructions !== undefined) return { type: 'custom', instructions };
  if (base !== undefined) return { type: 'base-branch', branch: base };
  return commit === undefined ? { type: 'uncommitted' } : { type: 'commit', sha: commit };
}

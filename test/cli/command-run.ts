import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { encodeRecord, type LogRecord } from '../../src/rollout/record.ts';

/** What came of a command that was run in this process. */
export type CommandRun = Readonly<{ code: number; stdout: string; stderr: string }>;

/** Runs the command line with these words and this home of Troupe, in this process; `tell` hears what it says, as it says it. */
export async function commandRun(
  home: string,
  words: readonly string[],
  tell: (text: string) => void = () => {},
): Promise<CommandRun> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((piece) => {
      said[stream] += String(piece);
      tell(String(piece));
      return true;
    }),
  );
  vi.stubEnv('TROUPE_HOME', home);
  try {
    return { code: await run(['node', 'troupe', ...words]), ...said };
  } finally {
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}

/** A directory that is gone when the test is over. */
export function directory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-cli-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a record has besides its number: `at` is its time in ms since 1970; the rest is its payload. */
export type Said = Readonly<{ at?: number; type: string }> & Readonly<Record<string, unknown>>;

/** A home with these logs, and where they are. Ids that begin in the same way are told apart by what follows. */
export function homeWith(logs: Readonly<Record<string, readonly Said[]>>) {
  const home = directory();
  const day = join(home, 'sessions/2026/11/27');
  mkdirSync(day, { recursive: true });
  const location = (id: string) => join(day, `${id}.jsonl`);
  for (const [id, said] of Object.entries(logs))
    writeFileSync(location(id), Buffer.concat(said.map((one, seq) => encodeRecord(recordOf(id, one, seq)))));
  return { home, location };
}

function recordOf(id: string, { at = 0, ...payload }: Said, seq: number): LogRecord {
  const opening = payload.type === 'session.opened' ? { sessionPath: [{ sessionId: id, kind: 'root' }] } : {};
  const time = new Date(at).toISOString();
  return { seq, epoch: 0, time, type: payload.type, payload: { ...opening, ...payload } };
}

/** How a log begins. */
export const opened = (at = 0, more: Readonly<Record<string, unknown>> = {}): Said => ({
  at,
  type: 'session.opened',
  kind: 'root',
  context: { cwd: '/work', model: 'm' },
  ...more,
});

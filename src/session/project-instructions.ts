import { dirname, join } from 'node:path';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Files } from '../tools/files.ts';

/** How much of all instruction files together the model is shown, in bytes; as in Codex. */
export const PROJECT_INSTRUCTIONS_MAX_BYTES = 32 * 1024;

/**
 * What the project says to agents: the files of this name from the root of the work tree (where `.git` is) down to `cwd`,
 * outermost first. It is data that the model is shown, not policy: nothing here changes what is allowed. Empty when there
 * is none; a file that cannot be read is passed over.
 */
export async function projectInstructions(files: Files, name: string, cwd: string): Promise<readonly HistoryEntry[]> {
  const texts: string[] = [];
  let left = PROJECT_INSTRUCTIONS_MAX_BYTES;
  for (const directory of await fromRootTo(files, cwd)) {
    const path = join(directory, name);
    const bytes = await read(files, path);
    if (bytes === null || left <= 0) continue;
    const shown = new TextDecoder().decode(bytes.subarray(0, left)).toWellFormed();
    left -= bytes.length;
    texts.push(`<file path="${path}">\n${shown}${left < 0 ? '\n[cut]' : ''}\n</file>`);
  }
  if (texts.length === 0) return [];
  const text = `<project_instructions>\n${texts.join('\n')}\n</project_instructions>`;
  return [{ type: 'message', role: 'user', content: [{ type: 'text', text }] }];
}

async function fromRootTo(files: Files, cwd: string): Promise<string[]> {
  const above: string[] = [cwd];
  for (let directory = cwd; ; directory = dirname(directory)) {
    if (directory !== cwd) above.unshift(directory);
    if ((await kindOf(files, join(directory, '.git'))) !== 'missing') return above;
    if (dirname(directory) === directory) return [cwd];
  }
}

async function read(files: Files, path: string): Promise<Uint8Array | null> {
  if ((await kindOf(files, path)) !== 'file') return null;
  return files.read(path).catch(() => null);
}

function kindOf(files: Files, path: string) {
  return files.kind(path).catch(() => 'missing' as const);
}

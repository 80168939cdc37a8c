// The process that carries out a patch, confined as the task's commands are. It gets a journal as its input, is told to
// `apply` it or to `roll-back`, and answers with one line of JSON. It loads little, because there is one for each patch.
import { dirname } from 'node:path';
import { hasCode, messageOf } from '../protocol/errors.ts';
import { type Applied, applyPlan } from '../tools/apply-patch/apply.ts';
import { decodeJournal, type Journal } from '../tools/apply-patch/journal.ts';
import { endingOf, undoAll, undoCut, unfinishedName } from '../tools/apply-patch/undo.ts';
import type { Files } from '../tools/files.ts';
import { syncDirectory } from './private-directory.ts';
import { durableFiles } from './system-files.ts';

/** How much is said of what could not be undone. */
const LEFT_MAX = 100;
const TEXT_MAX_CHARACTERS = 10_000;

let isStopped = false;
process.on('SIGTERM', () => {
  isStopped = true;
});
const parent = process.ppid;
const signal = {
  // Whoever has started this and is gone cannot undo it any more.
  get aborted() {
    return isStopped || process.ppid !== parent;
  },
};

process.stdout.write(`\n${JSON.stringify(shortened(await answer()))}\n`);

async function answer(): Promise<Applied> {
  const journal = decodeJournal(await standardInput());
  if (journal === null) {
    return { status: 'failed', message: 'Expected a journal as the input, got something else.', left: [] };
  }
  const files = durableFiles(unfinishedName(journal.id));
  const applied =
    process.argv[2] === 'roll-back' ? await undone(files, journal) : await applyPlan(files, journal, signal);
  try {
    await settle(journal);
    return applied;
  } catch (error) {
    const left = await undoAll(files, journal);
    const message = `The disk did not confirm what was done: ${messageOf(error)}. ${endingOf(left)}`;
    return { status: 'failed', message, left };
  }
}

async function undone(files: Files, journal: Journal): Promise<Applied> {
  const cut = await undoCut(files, journal);
  if (cut.status === 'done') return { status: 'applied' };
  return { status: 'failed', message: endingOf(cut.left), left: cut.left };
}

/** Waits until the disk knows of what was renamed, made and removed. */
async function settle({ files, directories }: Journal): Promise<void> {
  const changed = new Set([...files.map(({ path }) => path), ...directories].map(dirname));
  for (const directory of changed) {
    await syncDirectory(directory).catch((error: unknown) => {
      // One that is gone again has nothing to keep; a link is none of ours.
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    });
  }
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function shortened(applied: Applied): Applied {
  if (applied.status === 'applied') return applied;
  const { status, message, left } = applied;
  const more = left.length > LEFT_MAX ? [`and ${left.length - LEFT_MAX} more`] : [];
  return { status, message: cut(message), left: [...left.slice(0, LEFT_MAX).map(cut), ...more] };
}

function cut(text: string): string {
  return text.length > TEXT_MAX_CHARACTERS ? `${text.slice(0, TEXT_MAX_CHARACTERS)}…` : text;
}

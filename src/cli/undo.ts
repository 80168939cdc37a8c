import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { workHistoryAt } from '../here/work-history.ts';
import { TroupeError } from '../index.ts';
import { display } from '../policy/display.ts';
import { systemProc } from '../process/system-proc.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemIds } from '../runtime/ids.ts';
import type { Change, UndoReport, WorkHistory } from '../workspace/work-history.ts';

export type UndoOptions = Readonly<{
  directory: string;
  dryRun?: boolean;
  list?: boolean;
  tasks?: number;
  json?: boolean;
}>;

/** Takes back what tasks have changed in a directory, from what is kept of it; needs no model. Gives the exit code. */
export async function undo(id: string | undefined, options: UndoOptions): Promise<number> {
  const { stdout } = process;
  const history = await historyOf(resolve(options.directory));
  if (options.list === true) {
    const changes = await history.changes();
    stdout.write(options.json === true ? `${JSON.stringify(changes)}\n` : listLines(changes));
    return 0;
  }
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const own = systemIds().next();
  const done = await history.undo({
    id: own,
    sessionId: 'troupe undo',
    taskId: `undo/${own}`,
    to: id ?? options.tasks ?? 1,
    dryRun: options.dryRun === true,
    signal: controller.signal,
  });
  if (!done.ok) throw new TroupeError('rejected', done.why);
  stdout.write(
    options.json === true ? `${JSON.stringify(done.value)}\n` : reportLines(done.value, options.dryRun === true),
  );
  return done.value.isCut || done.value.paths.some(({ result }) => result === 'failed') ? 1 : 0;
}

async function historyOf(cwd: string): Promise<WorkHistory> {
  const home = resolve(defaultHome());
  const { PATH = '', HOME = homedir() } = process.env;
  const opened = await workHistoryAt(cwd, {
    proc: systemProc(systemClock, { state: () => home }),
    clock: systemClock,
    path: PATH,
    userHomes: [...new Set([homedir(), HOME])],
    home,
    sandboxSettings: {},
  });
  if (opened.ok) return opened.value;
  throw new TroupeError('rejected', `Nothing can be undone: ${opened.why}.`);
}

function listLines(changes: readonly Change[]): string {
  if (changes.length === 0) return 'Nothing is kept of this directory.\n';
  const lines = changes.toReversed().map(({ id, time, by, taskId, undoneBy }) => {
    const what = { task: 'changes of', undo: 'an undo,', asked: 'a checkpoint,' }[by];
    return `${id}  ${time}  ${what} ${display(taskId)}${undoneBy === null ? '' : ' (undone)'}`;
  });
  return `${lines.join('\n')}\n`;
}

function reportLines({ paths, plan, isExact, isCut, undo: own }: UndoReport, isDry: boolean): string {
  if (isDry)
    return plan.length === 0 ? 'Nothing would be done.\n' : `${plan.map((line) => display(line)).join('\n')}\n`;
  const words = { restored: 'restored', removed: 'removed', conflict: 'kept (changed since)', failed: 'failed' };
  const lines = paths.map(({ path, result, keptAt, message }) => {
    const more =
      keptAt !== undefined ? `; what was there before is in ${keptAt}` : message === undefined ? '' : `: ${message}`;
    return `${words[result]} ${display(path)}${display(more)}`;
  });
  return [
    ...(lines.length === 0 ? ['Nothing was to be done.'] : lines),
    ...(isCut ? ['Stopped before all was done.'] : []),
    ...(isExact ? [] : ['The end of a change was not kept: what came after it was taken back as well.']),
    ...(own === null ? [] : [`To take this back: troupe undo ${own}`]),
    '',
  ].join('\n');
}

import { createReadStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { defaultHome } from '../here/default-home.ts';
import { findLog, logsIn, piecesOf } from '../here/log-files.ts';
import { writerOf, writerWords } from '../here/log-lock.ts';
import { listSessions, type SessionSummary, summaryOf } from '../here/session-list.ts';
import { type SessionEvent, TroupeError } from '../index.ts';
import { display } from '../policy/display.ts';
import { newRecovery, recover } from '../rollout/recover.ts';
import { jsonLine } from './json-lines.ts';
import { render } from './render.ts';
import { paintFor } from './terminal.ts';

/** How much of what was said first is shown, in characters. */
const SAID_MAX = 60;

/** Lists the sessions, the newest first. */
export async function list(options: Readonly<{ json?: boolean; all?: boolean; limit: number }>): Promise<number> {
  const found = await listSessions(resolve(defaultHome()), { all: options.all === true, limit: options.limit });
  if (options.json === true) for (const one of found) process.stdout.write(jsonLine(one));
  else if (found.length === 0) process.stdout.write('There are no sessions.\n');
  else for (const one of found) process.stdout.write(`${lineOf(one)}\n`);
  return 0;
}

function lineOf({ sessionId, lastAt, cwd, firstMessage, lastType, openedBy, problem }: SessionSummary): string {
  const said = display((firstMessage ?? '').replace(/\s+/g, ' ').slice(0, SAID_MAX));
  const state =
    openedBy === null
      ? lastType === 'session.closed'
        ? ''
        : ' (ended without a close)'
      : ` (open: process ${openedBy})`;
  const wrong = problem === null ? '' : ` (${display(problem)})`;
  return `${display(sessionId)}  ${lastAt?.slice(0, 16).replace('T', ' ') ?? '?'}  ${display(cwd ?? '?')}  ${said}${state}${wrong}`;
}

/** Shows a session as it was seen, or its events as JSON. */
export async function show(id: string, options: Readonly<{ json?: boolean }>): Promise<number> {
  const location = await locationOf(id);
  const report = newRecovery();
  const paint = paintFor(process.stdout, process.env);
  for await (const record of recover(piecesOf(location), report)) {
    const event = eventOf(record, basename(location, '.jsonl'));
    if (options.json === true) process.stdout.write(jsonLine(event));
    else for (const line of linesOf(event, paint)) process.stdout.write(`${line}\n`);
  }
  for (const { line, message } of report.damage) process.stderr.write(`troupe: line ${line}: ${display(message)}\n`);
  return 0;
}

/** Events of types that are not known here have no words. */
function linesOf(event: SessionEvent, paint: ReturnType<typeof paintFor>): readonly string[] {
  const lines: unknown = render(event, { paint, cwd: process.cwd() });
  return Array.isArray(lines) ? lines : [];
}

function eventOf(
  { payload, seq, epoch, time }: { payload: unknown; seq: number; epoch: number; time: string },
  sessionId: string,
): SessionEvent {
  const path = [{ sessionId, kind: 'root' }];
  return { path, ...(payload as object), seq, epoch, time, sessionId } as unknown as SessionEvent; // As the gate wrote it.
}

/** Writes the log of a session, and those of its sub-sessions, as they are: one JSON object a line. */
export async function exportLogs(id: string): Promise<number> {
  for (const location of await treeOf(await locationOf(id))) {
    await pipeline(createReadStream(location), process.stdout, { end: false });
  }
  return 0;
}

/** Removes a session with its sub-sessions and what was set aside of them. */
export async function remove(id: string, options: Readonly<{ yes?: boolean }>): Promise<number> {
  const tree = await treeOf(await locationOf(id));
  for (const location of tree) {
    const writer = await writerOf(location);
    if (writer !== null)
      throw new TroupeError(
        'busy',
        `Expected nobody to have ${location} open, ${writerWords(writer)} has. Close it there first.`,
      );
  }
  if (options.yes !== true) {
    process.stdout.write(
      `${tree.map((location) => display(location)).join('\n')}\nNothing was deleted. Say --yes to delete these.\n`,
    );
    return 1;
  }
  for (const location of tree.toReversed()) {
    for (let n = 1; await isThere(`${location}.torn-${n}`); n += 1) await rm(`${location}.torn-${n}`);
    await rm(`${location}.lock`, { force: true });
    await rm(location);
  }
  process.stdout.write(`Deleted ${tree.length} ${tree.length === 1 ? 'log' : 'logs'}.\n`);
  return 0;
}

/** The log of a session, whose id may be given by its beginning, or `--last`. */
export async function locationOf(id: string): Promise<string> {
  const home = resolve(defaultHome());
  if (id === 'last') {
    const [newest] = await listSessions(home, { limit: 1 });
    if (newest !== undefined) return newest.location;
    throw new TroupeError('rejected', 'Expected a session, there is none.');
  }
  const exact = await findLog(home, id);
  if (exact !== null) return exact;
  const found: string[] = [];
  if (/^[A-Za-z0-9_-]+$/.test(id)) {
    for await (const location of logsIn(home)) if (basename(location).startsWith(id)) found.push(location);
  }
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const why = found.length === 0 ? 'there is no log of that name' : `${found.length} sessions begin so`;
  throw new TroupeError(
    'rejected',
    `Expected a session, got ${JSON.stringify(id)}: ${why}. See "troupe sessions list".`,
  );
}

/** A log, and those of the sessions that were opened below it, the uppermost first. */
async function treeOf(location: string): Promise<readonly string[]> {
  const found = [location];
  const rootId = basename(location, '.jsonl');
  for await (const other of logsIn(resolve(defaultHome()))) {
    if (other === location) continue;
    const { path } = await summaryOf(other);
    if (path?.slice(0, -1).some(({ sessionId }) => sessionId === rootId) === true) found.push(other);
  }
  return found;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch {
    return false;
  }
}

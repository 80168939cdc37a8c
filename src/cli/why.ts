import { basename, resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { findLog, piecesOf } from '../here/log-files.ts';
import { writerOf, writerWords } from '../here/log-lock.ts';
import { listSessions } from '../here/session-list.ts';
import { TroupeError } from '../index.ts';
import { display } from '../policy/display.ts';
import { msOf } from '../protocol/iso-time.ts';
import type { SessionRequest } from '../protocol/requests.ts';
import { newRecovery, recover } from '../rollout/recover.ts';
import { emptyState, type OpenTask, type ReplayedState, replay } from '../rollout/replay.ts';
import { systemClock } from '../runtime/clock.ts';
import { locationOf } from './sessions.ts';

/** One link of the chain from a session to what it waits for in the end. `forMs` counts from when that began. */
type Cause = Readonly<{ depth: number; what: string; forMs: number }>;

/** How deep the logs of sub-sessions are followed. */
const DEPTH_MAX = 32;

/** Says, from its log alone, what a session waits for, down to the last cause; of one that has ended, how it ended. */
export async function why(
  id: string | undefined,
  options: Readonly<{ last?: boolean; json?: boolean }>,
): Promise<number> {
  const location = id === undefined || options.last === true ? await newestHere() : await locationOf(id);
  const { state, end } = await stateOf(location);
  const writer = await writerOf(location);
  const openedBy = writer?.pid ?? null;
  const causes = openedBy === null ? [] : await causesOf(state, 0);
  const sessionId = basename(location, '.jsonl');
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ sessionId, openedBy, end, causes })}\n`);
    return 0;
  }
  const lines =
    openedBy === null
      ? endLines(state, end)
      : causes.map(({ depth, what, forMs }) => `${'  '.repeat(depth)}${display(what)}, for ${durationText(forMs)}`);
  const head =
    writer === null ? `session ${sessionId} is not open` : `session ${sessionId} is open in ${writerWords(writer)}`;
  process.stdout.write(`${[head, ...(lines.length === 0 ? ['it waits for nothing'] : lines)].join('\n')}\n`);
  return 0;
}

async function newestHere(): Promise<string> {
  const home = resolve(defaultHome());
  const [here] = await listSessions(home, { cwd: process.cwd(), limit: 1 });
  const [newest] = here === undefined ? await listSessions(home, { limit: 1 }) : [here];
  if (newest !== undefined) return newest.location;
  throw new TroupeError('rejected', 'Expected a session, there is none.');
}

/** How the last task of a log has ended. */
type End = Readonly<{ type: string; why: string | null; time: string }> | null;

/** What the end of a task has in its record. */
type Ended = { taskId?: string; reason?: string | null; error?: { message: string } | null };

async function stateOf(location: string): Promise<{ state: ReplayedState; end: End }> {
  const state = emptyState();
  let end: End = null;
  for await (const record of recover(piecesOf(location), newRecovery())) {
    const { taskId = '', reason = null, error = null } = { ...(record.payload as object) } as Ended;
    const isBeside = state.tasks.get(taskId)?.isBeside === true;
    replay(state, record);
    if (isBeside || !/^task\.(completed|failed|aborted)$/.test(record.type)) continue;
    end = { type: record.type, why: error?.message ?? reason, time: record.time };
  }
  return { state, end };
}

function endLines({ tasks }: ReplayedState, end: End): readonly string[] {
  const open = [...tasks.values()].map(
    ({ kind, taskId }) =>
      `its task ${kind} (${display(taskId)}) has no end: the program was killed, or its machine went down`,
  );
  if (open.length > 0) return [...open, 'a resume closes it'];
  if (end === null) return ['no task of it has ended'];
  const because = end.why === null ? '' : `: ${display(end.why)}`;
  return [`its last task ${end.type.slice('task.'.length)} at ${end.time}${because}`];
}

async function causesOf(state: ReplayedState, depth: number): Promise<readonly Cause[]> {
  const causes: Cause[] = [];
  for (const task of state.tasks.values()) {
    causes.push({ depth, what: `the task ${task.kind} (${task.taskId}) runs`, forMs: since(task.startedAtMs) });
    causes.push(...(await causesIn(state, task, depth + 1)));
  }
  return causes;
}

/** What one task waits for: decisions, sub-sessions, tools, or else its model. */
async function causesIn(state: ReplayedState, task: OpenTask, depth: number): Promise<readonly Cause[]> {
  const causes: Cause[] = [];
  for (const { request, taskId } of state.requests.values()) {
    if (taskId === task.taskId)
      causes.push({ depth, what: `a decision: ${wordsFor(request)}`, forMs: since(msOf(request.time)) });
  }
  for (const [childId, taskId] of state.children) {
    if (taskId === task.taskId) causes.push(...(await causesBelow(childId, depth)));
  }
  const asked = new Set([...state.requests.values()].map(({ request }) => request.callId));
  for (const { item, taskId } of state.openItems.values()) {
    if (taskId !== task.taskId || !('callId' in item) || asked.has(item.callId)) continue;
    const what =
      item.type === 'command_execution' ? `the command ${item.command}` : `the call ${item.callId} (${item.type})`;
    causes.push({ depth, what, forMs: since(msOf(state.lastAt ?? '')) });
  }
  if (causes.length > 0) return causes;
  return [{ depth, what: `the model ${state.context?.model ?? ''}`.trim(), forMs: since(msOf(state.lastAt ?? '')) }];
}

async function causesBelow(childId: string, depth: number): Promise<readonly Cause[]> {
  const location = depth > DEPTH_MAX ? null : await findLog(resolve(defaultHome()), childId);
  if (location === null) return [{ depth, what: `the sub-session ${childId}, of which there is no log`, forMs: 0 }];
  const { state } = await stateOf(location);
  if (state.isClosed) return [];
  const head = { depth, what: `the sub-session ${childId}`, forMs: since(msOf(state.openedAt ?? '')) };
  return [head, ...(await causesOf(state, depth + 1))];
}

function wordsFor({ subject }: SessionRequest): string {
  return subject.kind === 'command' ? `whether ${subject.shown} may run` : `a request (${subject.kind})`;
}

function since(atMs: number): number {
  return Number.isFinite(atMs) ? Math.max(0, systemClock.now() - atMs) : 0;
}

function durationText(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

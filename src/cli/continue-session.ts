import { basename, dirname, resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { summaryOf } from '../here/session-list.ts';
import { type ForkPoint, forkSession, type Model, TroupeError } from '../index.ts';
import { display } from '../policy/display.ts';
import { exec } from './exec.ts';
import { locationOf } from './sessions.ts';

export type ResumeOptions = Readonly<{ model?: string; directory?: string }>;

/** Goes on with a session where it has worked, as `exec resume` does. */
export async function resume(id: string, prompt: string | undefined, options: ResumeOptions): Promise<number> {
  const location = await locationOf(id);
  const { cwd } = await summaryOf(location);
  const words = ['resume', basename(location, '.jsonl'), ...(prompt === undefined ? [] : [prompt])];
  return exec(words, {
    format: 'text',
    directory: options.directory ?? cwd ?? '.',
    ...(options.model === undefined ? {} : { model: options.model }),
    config: [],
    image: [],
    addDir: [],
  });
}

export type ForkOptions = Readonly<{ before?: number; at?: string; json?: boolean }>;

/** Makes a session that begins with a copy of another one, and tells its id. The other one may be running. */
export async function fork(id: string, { before, at, json }: ForkOptions): Promise<number> {
  if (before !== undefined && at !== undefined)
    throw new TroupeError('invalid-config', 'Expected --before or --at, got both. Give the one that is meant.');
  const location = await locationOf(id);
  const point = { ...(before === undefined ? {} : { before }), ...(at === undefined ? {} : { at }) };
  const { sessionId, forkedFrom, messages, log } = await forkLog(location, point);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ sessionId, forkedFrom, messages, log })}\n`);
    return 0;
  }
  process.stdout.write(`${sessionId}\n`);
  process.stderr.write(
    `It begins with ${messages} ${messages === 1 ? 'message' : 'messages'} of the user, and has its log in ${display(log)}.\nGo on with: troupe sessions resume ${sessionId} PROMPT\n`,
  );
  return 0;
}

export type Forked = Readonly<{ sessionId: string; forkedFrom: string; messages: number; log: string }>;

/** Makes a session that begins with a copy of the one that a log is of, up to a point. */
export async function forkLog(location: string, point: ForkPoint): Promise<Forked> {
  const { model } = await summaryOf(location);
  const home = resolve(defaultHome());
  const forkedFrom = basename(location, '.jsonl');
  const session = await forkSession(forkedFrom, point, { model: silent(model ?? 'unknown'), home, checkpoints: 'off' });
  const messages = session.history().filter(({ type }) => type === 'user_message').length;
  await session.close();
  return { sessionId: session.id, forkedFrom, messages, log: session.logLocation ?? dirname(location) };
}

/** The model that the session was with; here nobody asks it anything. */
function silent(name: string): Model {
  return {
    name,
    provider: 'none',
    contextWindow: null,
    sample: async () => ({
      status: 'failed',
      error: { code: 'internal', message: 'Nothing is asked while a session is forked.', retryable: false },
      usage: null,
    }),
  };
}

import { isDeepStrictEqual } from 'node:util';
import { openaiModel, resumeSession, type SessionEvent } from '../../src/index.ts';
import { type ExecPlace, eventsIn, startExec, type ToldEvent, troupeHomeOf } from './exec-process.ts';
import type { ModelServer } from './model-server.ts';
import { EXEC_OPTIONS } from './numbered-effects.ts';
import { effectsIn, logBelow, type SessionLog, wrongAfterResume, wrongCalls } from './session-log.ts';

/** What goes on with a session: this process, by the library, or another program. */
export type Resumer = 'library' | 'command';

/** Resumes what was left of a session that works in `work`, and tells what is not as promised then. */
export async function resumeAndLook(
  place: ExecPlace,
  work: string,
  { wire }: ModelServer,
  resumer: Resumer,
): Promise<readonly string[]> {
  const before = await logBelow(place.home);
  const effects = effectsIn(work);
  const wrong: string[] = [];
  const { sessionId } = before.state;
  if (sessionId === null) {
    if (effects.length > 0) wrong.push(`nothing is logged, and ${effects.length} effects are there`);
  } else {
    const resumed = resumer === 'library' ? await byLibrary(sessionId, before, place) : await byCommand(work, place);
    wrong.push(...resumed.wrong);
    wrong.push(...(await wrongAfterResume(before, await logBelow(place.home), resumed.told)));
    const shown = wire.requests.filter(({ cacheKey }) => cacheKey === sessionId).at(-1)?.history ?? [];
    wrong.push(...wrongCalls(shown));
  }
  if (effectsIn(work).join() !== effects.join()) wrong.push(`effects were ${effects}, and are ${effectsIn(work)}`);
  return wrong;
}

type Resumption = Readonly<{ wrong: readonly string[]; told: readonly ToldEvent[] }>;

async function byCommand(work: string, place: ExecPlace): Promise<Resumption> {
  const words = ['exec', '--events', 'resume', '--last', ...EXEC_OPTIONS, '-C', work, 'Go on.'];
  const resumed = startExec(place, words);
  const code = await resumed.ended;
  const wrong = code === 0 ? [] : [`the resume ended with ${code}: ${resumed.stderr().slice(-500)}`];
  return { wrong, told: eventsIn(resumed.stdout()) };
}

/** Resumes the session here; what it has then is what its log says. */
async function byLibrary(sessionId: string, before: SessionLog, { home, url }: ExecPlace): Promise<Resumption> {
  const session = await resumeSession(sessionId, {
    model: openaiModel({ model: 'scripted', apiKey: 'none', baseURL: url }),
    home: troupeHomeOf(home),
    projectInstructions: false,
  });
  const told: SessionEvent[] = [];
  session.events$.subscribe((event) => {
    told.push(event);
  });
  const has = { history: session.entries(), items: session.history(), usage: session.usage };
  const { state } = await logBelow(home);
  const wrong: string[] = [];
  const says = { history: state.history, items: state.items, usage: state.usage };
  for (const part of ['history', 'items', 'usage'] as const)
    if (!isDeepStrictEqual(plain(has[part]), plain(says[part]))) wrong.push(`${part} is not what the log says`);
  for (const part of ['history', 'items'] as const)
    if (!isDeepStrictEqual(plain(has[part].slice(0, before.state[part].length)), plain(before.state[part])))
      wrong.push(`${part} does not begin with what the log said before`);
  try {
    const outcome = await session.run('Go on.').outcome;
    if (outcome.status !== 'completed') wrong.push(`the resumed task ended so: ${JSON.stringify(outcome)}`);
  } finally {
    await session.close();
  }
  return { wrong, told };
}

/** As it is after it has been written and read: members that are undefined are none. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

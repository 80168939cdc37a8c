import { resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { listSessions } from '../here/session-list.ts';
import { createLiveSource } from '../inspect/live-source.ts';
import { machineCharts } from '../inspect/machine-charts.ts';
import { servePage } from '../inspect/page-server.ts';
import { createRecordedSource } from '../inspect/recorded-source.ts';
import type { ListedSession } from '../inspect/view/wire.ts';
import { display } from '../policy/display.ts';
import { forkLog } from './continue-session.ts';
import { readRecording } from './recording.ts';
import { locationOf } from './sessions.ts';

/** How many sessions the page lists. */
const LISTED_MAX = 200;

/** Serves the page of a session's log, or one that lists the sessions and takes XState programs, until it is stopped. */
export async function inspect(id: string | undefined, { port }: Readonly<{ port?: number }>): Promise<number> {
  const wanted = id === undefined ? null : await locationOf(id);
  const live = createLiveSource({ now: Date.now, mode: 'library', title: 'sessions and programs' });
  const recorded = async (location: string) =>
    createRecordedSource(await readRecording(location), {
      charts: machineCharts(),
      fork: async (sessionId, itemId) => (await forkLog(await locationOf(sessionId), { at: itemId })).sessionId,
    });
  // What cannot be read is said here, and not only in a browser.
  if (wanted !== null) await recorded(wanted);
  const server = await servePage({
    ...(port === undefined ? {} : { port }),
    async open(sessionId) {
      if (sessionId !== null) return recorded(await locationOf(sessionId));
      return wanted === null ? live : recorded(wanted);
    },
    library: async () => (wanted === null ? listed() : []),
    onProgram: () => live.connect(),
  });
  server.hold(true);
  const programs = wanted === null ? `XState programs connect to ${server.inspectorUrl}\n` : '';
  process.stdout.write(`${server.url}\n`);
  process.stderr.write(`${programs}The page is served until Ctrl-C.\n`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  });
  await server.close();
  return 0;
}

async function listed(): Promise<readonly ListedSession[]> {
  const found = await listSessions(resolve(defaultHome()), { limit: LISTED_MAX });
  return found.map(({ sessionId, lastAt, cwd, firstMessage, openedBy }) => ({
    sessionId,
    lastAt,
    cwd,
    said: firstMessage === null ? null : display(firstMessage.slice(0, 200)),
    isOpen: openedBy !== null,
  }));
}

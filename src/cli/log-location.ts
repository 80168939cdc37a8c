import { fileLogStore } from '../here/file-log-store.ts';
import type { LogStore } from '../rollout/log-store.ts';

/** The logs under a home directory, and where the first one of them is; null while there is none. */
export type LocatedLogs = Readonly<{ store: LogStore; location(): string | null }>;

export function locatedLogs(home: string): LocatedLogs {
  const store = fileLogStore(home);
  let location: string | null = null;
  return {
    store: {
      ...store,
      async reopen(sessionId, read) {
        const file = await store.reopen(sessionId, read);
        location ??= file.location;
        return file;
      },
      async create(sessionId, createdAtMs) {
        const file = await store.create(sessionId, createdAtMs);
        location ??= file.location;
        return file;
      },
    },
    location: () => location,
  };
}

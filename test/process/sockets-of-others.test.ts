import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { socketsOfOthers } from '../../src/process/sockets-of-others.ts';

it('are those that are wanted and can be reached, and not too many', async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-sockets-')));
  const servers = Array.from({ length: 260 }, () => createServer());
  const isOurs = (path: string) => path.startsWith(base);
  try {
    const paths = servers.map((_, at) => join(base, `${at}`));
    const listening = (at: number) =>
      new Promise<void>((resolve) => void servers[at]?.listen(paths[at], () => resolve()));
    await listening(0);
    expect([socketsOfOthers(isOurs), socketsOfOthers(() => false)]).toEqual([[paths[0]], []]);
    await Promise.all(paths.slice(1).map((_, at) => listening(at + 1)));
    expect(new Set(socketsOfOthers(isOurs)).size).toBe(256);
  } finally {
    for (const server of servers) server.close();
    rmSync(base, { recursive: true, force: true });
  }
  expect(socketsOfOthers(isOurs)).toEqual([]);
});

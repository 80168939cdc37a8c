import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Script, type ScriptReport, scriptedWire } from '../../src/testing/index.ts';

export type ScriptedServer = ScriptReport &
  Readonly<{
    /** What the command needs to find it. */
    env: Readonly<Record<string, string>>;
    /** Resolves when the client has closed a connection before its answer was whole. */
    cut: Promise<void>;
  }>;

/** A model server on this machine that says what the script says. Closed with the test. */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const wire = scriptedWire(script);
  const cut = Promise.withResolvers<void>();

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const gone = new AbortController();
    outgoing.on('close', () => {
      if (outgoing.writableFinished) return;
      gone.abort();
      cut.resolve();
    });
    const request = new Request(`http://scripted.invalid${incoming.url}`, {
      method: incoming.method ?? 'GET',
      body: Buffer.concat(chunks),
      signal: gone.signal,
    });
    const response = await wire.fetch(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const bytes of response.body ?? []) outgoing.write(bytes);
    outgoing.end();
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // What `listen` with a port gives.
  return {
    ...wire,
    env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, TROUPE_MODEL: 'scripted' },
    cut: cut.promise,
  };
}

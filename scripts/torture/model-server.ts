import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Script, type ScriptedWire, scriptedWire } from '../../src/testing/index.ts';

export type ModelServer = Readonly<{ url: string; wire: ScriptedWire; close(): void }>;

/** A model server on this machine that says what the script says, to as many as ask at once. */
export async function serveModel(script: Script): Promise<ModelServer> {
  const wire = scriptedWire(script);
  const server = createServer(async (incoming, outgoing) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const method = incoming.method ?? 'GET';
      const response = await wire.fetch(new Request(`http://scripted.invalid${incoming.url}`, { method, body }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      for await (const bytes of response.body ?? []) outgoing.write(bytes);
      outgoing.end();
    } catch {
      outgoing.destroy(); // Who asked is gone.
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // What `listen` with a port gives.
  return {
    url: `http://127.0.0.1:${port}/v1`,
    wire,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server on this machine that answers every request in this way. Closed with the test. */
export async function startListServer(reply: (response: ServerResponse) => void) {
  const heads: string[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    heads.push(`${method} ${url} ${headers.authorization}`);
    reply(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // What `listen` with a port gives.
  return { baseURL: `http://127.0.0.1:${port}/v1`, heads };
}

/** Answers with the list of these models, as OpenAI does. */
export function listing(...models: readonly string[]): (response: ServerResponse) => void {
  const body = { object: 'list', data: models.map((id) => ({ id, object: 'model' })) };
  return (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

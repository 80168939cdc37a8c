import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** What a server does with each piece that a connection brings. */
export type OnData = (socket: Socket, text: string) => void;

/** A server on this machine that knows nothing of HTTP; gives its port. Closed with the test. */
export async function startRawServer(onData: OnData): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => onData(socket, bytes.toString('latin1')));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return listen(server);
}

/** A key and a certificate that nobody has signed, for `localhost` and `model.test`; null without `openssl`. */
export function selfSigned(): Readonly<{ key: string; cert: string }> | null {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = 'subjectAltName=DNS:localhost,DNS:model.test';
  const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost'];
  try {
    execFileSync('openssl', ['req', '-x509', ...options, '-addext', names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An https server on this machine; gives its port. Closed with the test. */
export async function startSecureServer(
  identity: Readonly<{ key: string; cert: string }>,
  onRequest: RequestListener,
): Promise<number> {
  const server = createSecureServer(identity, onRequest);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return listen(server);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    // It listens on a port, so its address is no string.
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

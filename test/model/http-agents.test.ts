import { Agent as SecureAgent } from 'node:https';
import { connect } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAgents, IDLE_CONNECTION_MS } from '../../src/model/http-agents.ts';
import { httpFetch } from '../../src/model/http-fetch.ts';
import { freePort, replyJson, startModelServer } from './model-server.ts';
import { selfSigned, startRawServer, startSecureServer } from './raw-servers.ts';

const POST = { method: 'POST', body: '{}' };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** Older ones pass over `proxyEnv`. */
const knowsProxies = major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5);

/** A proxy that answers plain requests itself, and joins tunnels to `target`; gives what it was asked. */
async function startProxy(target = 0) {
  const asked: string[] = [];
  const port = await startRawServer((socket, text) => {
    const [line = ''] = text.split('\r\n');
    asked.push(`${line} ${/^proxy-authorization: (.*)$/im.exec(text)?.[1] ?? ''}`.trim());
    if (!line.startsWith('CONNECT ')) return socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nproxy');
    socket.removeAllListeners('data');
    const beyond = connect(target, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    beyond.on('error', () => socket.destroy());
    socket.pipe(beyond).pipe(socket);
    return true;
  });
  return { asked, url: `http://user:secret@127.0.0.1:${port}` };
}

describe('the agents', () => {
  test('are made once, for http and for https', () => {
    const agentFor = createAgents({});
    const [plain, secure] = [agentFor('http:'), agentFor('https:')];
    expect([agentFor('http:') === plain, agentFor('https:') === secure, secure instanceof SecureAgent]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test.each([
    { what: 'for as long as it is of use', hint: '', timeoutMs: IDLE_CONNECTION_MS },
    { what: 'for less than the server keeps it', hint: 'keep-alive: timeout=5\r\n', timeoutMs: 4000 },
  ])('keep an idle connection $what', async ({ hint, timeoutMs }) => {
    const port = await startRawServer((it) => it.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${hint}\r\n`));
    const agent = createAgents({})('http:');
    const idle = new Promise((resolve) => agent.once('free', resolve));
    await (await httpFetch({ agent })(`http://127.0.0.1:${port}`, POST)).text();
    await idle;
    const kept = Object.values(agent.freeSockets).flat();
    expect(kept.map((socket) => socket?.timeout)).toEqual([timeoutMs]);
  });
});

describe.skipIf(!knowsProxies)('a proxy (needs Node 22.21 or 24.5)', () => {
  test('of the environment brings requests to other machines, not to this one', async () => {
    const { asked, url } = await startProxy();
    const server = await startModelServer(replyJson(200, 'direct'));
    const fetch = httpFetch({ env: { HTTP_PROXY: url, NO_PROXY: 'direct.test' } });
    const proxied = await fetch('http://model.test/v1', POST);
    const direct = await fetch(server.baseURL, POST);
    expect({ proxied: await proxied.text(), direct: await direct.json(), asked }).toEqual({
      proxied: 'proxy',
      direct: 'direct',
      asked: ['POST http://model.test/v1 HTTP/1.1 Basic dXNlcjpzZWNyZXQ='],
    });
  });

  test('is passed over for the hosts of NO_PROXY', async () => {
    const { asked, url } = await startProxy();
    const fetch = httpFetch({ env: { http_proxy: url, no_proxy: '*' } });
    await expect(fetch(`http://127.0.0.1:${await freePort()}`, POST)).rejects.toThrow('fetch failed');
    expect(asked).toEqual([]);
  });

  test('that cannot be one fails each request, and says so', async () => {
    const response = httpFetch({ env: { HTTPS_PROXY: 'http://:bad' } })('https://model.test', POST);
    await expect(response).rejects.toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ERR_PROXY_INVALID_CONFIG' }) }),
    );
  });

  test('that nobody listens at fails like a server that nobody listens at', async () => {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` };
    await expect(httpFetch({ env })('https://model.test', POST)).rejects.toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ECONNREFUSED' }) }),
    );
  });

  test('that never answers is given up', async () => {
    const silent = await startRawServer(() => undefined);
    const fetch = httpFetch({ env: { HTTPS_PROXY: `http://127.0.0.1:${silent}` }, connectTimeoutMs: 20 });
    await expect(fetch('https://model.test', POST)).rejects.toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ETIMEDOUT' }) }),
    );
  });

  test('that never answers is let go of when the signal aborts', async () => {
    const arrived = Promise.withResolvers<void>();
    const silent = await startRawServer(() => arrived.resolve());
    const stop = new AbortController();
    const fetch = httpFetch({ env: { HTTPS_PROXY: `http://127.0.0.1:${silent}` } });
    const response = fetch('https://model.test', { ...POST, signal: stop.signal });
    await arrived.promise;
    stop.abort();
    await expect(response).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  const identity = selfSigned();
  test.skipIf(identity === null)('tunnels https, and the tunnel is used again (needs openssl)', async () => {
    if (identity === null) return;
    const trusted = getCACertificates('default');
    setDefaultCACertificates([identity.cert]);
    onTestFinished(() => setDefaultCACertificates(trusted));
    const port = await startSecureServer(identity, (_request, response) => response.end('secure'));
    const { asked, url } = await startProxy(port);
    const fetch = httpFetch({ env: { HTTPS_PROXY: url } });
    const texts: string[] = [];
    for (let requests = 0; requests < 2; requests += 1)
      texts.push(await (await fetch('https://model.test', POST)).text());
    expect({ texts, asked }).toEqual({
      texts: ['secure', 'secure'],
      asked: ['CONNECT model.test:443 HTTP/1.1 Basic dXNlcjpzZWNyZXQ='],
    });
  });
});

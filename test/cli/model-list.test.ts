import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { findLocalServers, listModels } from '../../src/cli/model-list.ts';
import { freePort } from '../model/model-server.ts';
import { listing, startListServer } from './list-server.ts';

/** Longer than any of these servers needs. */
const TIMEOUT_MS = 10_000;

describe('a server that is asked for its models', () => {
  it('is sent the key, and its list is read', async () => {
    const server = await startListServer(listing('a', 'b'));
    expect(await listModels(`${server.baseURL}/`, 'sk-key', TIMEOUT_MS)).toEqual({
      status: 'models',
      models: ['a', 'b'],
    });
    expect(await listModels(server.baseURL, undefined, TIMEOUT_MS)).toEqual({ status: 'models', models: ['a', 'b'] });
    expect(server.heads).toEqual(['GET /v1/models Bearer sk-key', 'GET /v1/models undefined']);
  });

  it.each([
    ['refuses the key', 401, '{}', { status: 'unauthorised', code: 401 }],
    ['forbids it', 403, '{}', { status: 'unauthorised', code: 403 }],
    ['knows no such list', 404, '{}', { status: 'other', code: 404 }],
    ['answers with a page', 200, '<html>', { status: 'other', code: 200 }],
    ['answers with something else', 200, '{"data":[{"id":3}]}', { status: 'other', code: 200 }],
  ])('may be one that %s', async (_, code, body, answer) => {
    const server = await startListServer((response) => response.writeHead(code).end(body));
    expect(await listModels(server.baseURL, 'k', TIMEOUT_MS)).toEqual(answer);
  });

  it('does not lead the key elsewhere', async () => {
    const other = await startListServer(listing('a'));
    const server = await startListServer((response) =>
      response.writeHead(307, { location: `${other.baseURL}/models` }).end(),
    );
    expect(await listModels(server.baseURL, 'sk-key', TIMEOUT_MS)).toEqual({ status: 'other', code: 307 });
    expect(other.heads).toEqual([]);
  });

  it('may not be there, or never answer', async () => {
    const baseURL = `http://127.0.0.1:${await freePort()}/v1`;
    expect(await listModels(baseURL, 'k', TIMEOUT_MS)).toEqual({ status: 'unreachable', why: 'ECONNREFUSED' });
    const hangs = await startListServer(() => {});
    expect(await listModels(hangs.baseURL, 'k', 20)).toEqual({ status: 'unreachable', why: 'no answer in 20 ms' });
    const endless = await startListServer((response: ServerResponse) => response.writeHead(200).write('{"data":['));
    expect(await listModels(endless.baseURL, 'k', 20)).toEqual({ status: 'unreachable', why: 'no answer in 20 ms' });
    expect(await listModels('nonsense', 'k', TIMEOUT_MS)).toMatchObject({ status: 'unreachable' });
  });
});

describe('servers on this machine', () => {
  it('are found with the line that uses them, quoted for a shell', async () => {
    const [full, empty, page] = await Promise.all([
      startListServer(listing('it is; rm', 'b')),
      startListServer(listing()),
      startListServer((response) => response.end('<html>')),
    ]);
    const kinds = [
      { name: 'full', baseURL: full.baseURL },
      { name: 'none', baseURL: `http://127.0.0.1:${await freePort()}/v1` },
      { name: 'page', baseURL: page.baseURL },
      { name: 'empty', baseURL: empty.baseURL },
    ];
    expect(await findLocalServers(kinds)).toEqual([
      {
        name: 'full',
        baseURL: full.baseURL,
        models: ['it is; rm', 'b'],
        line: `OPENAI_BASE_URL=${full.baseURL} troupe exec --wire auto -m 'it is; rm' "What is in this directory?"`,
      },
      { name: 'empty', baseURL: empty.baseURL, models: [], line: null },
    ]);
  });
});

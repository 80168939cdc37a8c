import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { createSession } from '../../src/index.ts';
import { type StatelyInspectorOptions, statelyInspector } from '../../src/inspect/index.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

type Told = Readonly<{ type: string; name?: string; sessionId: string; sourceId?: string; event?: { type: string } }>;

/** What an inspector's server is sent while a session with a reviewer runs and closes. */
async function toldOf(options: StatelyInspectorOptions, prompt: string): Promise<{ told: Told[]; text: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const told: Told[] = [];
  let text = '';
  const isOver = new Promise<void>((resolve) => {
    server.on('connection', (connection) => {
      connection.on('message', (data) => {
        text += String(data);
        const one: Told = JSON.parse(String(data));
        told.push(one);
        if (one.type === '@xstate.event' && one.event?.type === 'op.close') resolve();
      });
    });
  });
  const { port } = server.address() as AddressInfo; // It listens on a port.
  const inspector = await statelyInspector({ url: `ws://127.0.0.1:${port}`, ...options });
  onTestFinished(() => inspector.stop());
  const script: Script = [
    { call: [{ name: 'shell', arguments: { command: 'true', with_escalated_permissions: true, justification: 'x' } }] },
    { say: 'Nothing to see.' },
  ];
  const session = createSession({
    model: scriptedModel(script),
    rollout: 'off',
    checkpoints: 'off',
    inspect: inspector,
    onRequest: () => 'denied',
  });
  await session.review({ type: 'custom', instructions: prompt }).outcome;
  await session.close();
  await isOver;
  return { told, text };
}

it('names actors by their paths, the hop through the relay with its source', async () => {
  const { told } = await toldOf({}, 'Look.');
  const names = new Map(
    told.flatMap(({ type, sessionId, name }) => (type === '@xstate.actor' ? [[sessionId, name]] : [])),
  );
  expect([...names.values()]).toEqual(
    expect.arrayContaining(['root', 'root/review/foreground', 'root/review', 'root/review/regular/foreground']),
  );
  const hop = [...names].find(([, name]) => name?.includes('/relay:review/'));
  const through = told.filter(({ type, sourceId }) => type === '@xstate.event' && sourceId === hop?.[0]);
  expect(through.map(({ event, sessionId }) => [event?.type, names.get(sessionId)])).toEqual([
    ['request.opened', 'root'],
    ['request.closed', 'root'],
  ]);
});

it('leaves out what people and models have said, unless it is told otherwise', async () => {
  const secret = 'the password is swordfish';
  expect((await toldOf({}, secret)).text).not.toContain('swordfish');
  expect((await toldOf({ sanitize: false }, secret)).text).toContain('swordfish');
});

it('lets the caller say what is left of a context', async () => {
  const { text } = await toldOf({ sanitize: { context: () => ({ mine: 'kept' }) } }, 'the password is swordfish');
  expect(text).toContain('"context":{"mine":"kept"}');
  expect(text).not.toContain('swordfish');
});

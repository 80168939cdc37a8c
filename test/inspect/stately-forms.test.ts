import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createBrowserInspector, createWebSocketInspector } from '@statelyai/inspect';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { createSession } from '../../src/index.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

async function runWith(inspect: unknown): Promise<void> {
  const model = scriptedModel([{ say: 'Hello.' }]);
  await using session = createSession({
    model,
    rollout: 'off',
    checkpoints: 'off',
    projectInstructions: false,
    inspect,
  });
  await session.run('Hi.').outcome;
}

it.each(['the object', 'its inspect'])('takes the WebSocket inspector of @statelyai/inspect: %s', async (form) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const names = new Set<unknown>();
  const hasCome = new Promise<void>((resolve) => {
    server.on('connection', (connection) => {
      connection.on('message', (data) => {
        const { type, name } = JSON.parse(String(data));
        if (type === '@xstate.actor') names.add(name);
        if (name === 'work') resolve();
      });
    });
  });
  const { port } = server.address() as AddressInfo; // It listens on a port.
  const inspector = createWebSocketInspector({ url: `ws://127.0.0.1:${port}` });
  onTestFinished(() => inspector.stop());
  await runWith(form === 'the object' ? inspector : inspector.inspect);
  await hasCome;
  expect([...names]).toEqual(expect.arrayContaining(['root', 'regular/foreground', 'work']));
});

it.each(['the object', 'its inspect'])('takes the browser inspector of @statelyai/inspect: %s', async (form) => {
  const posted: { type: string; name?: string }[] = [];
  const listeners: ((event: { data: unknown }) => void)[] = [];
  const window = {
    open: () => ({ postMessage: (message: { type: string }) => posted.push(message) }),
    addEventListener: (_: string, listener: (event: { data: unknown }) => void) => listeners.push(listener),
  };
  const inspector = createBrowserInspector({ window: window as never }); // As much of a window as it uses.
  for (const listener of listeners) listener({ data: { type: '@statelyai.connected' } });
  await runWith(form === 'the object' ? inspector : 'inspect' in inspector ? inspector.inspect : null);
  await new Promise((resolve) => setTimeout(resolve)); // The inspector puts off what it sends until then.
  expect(posted.flatMap(({ type, name }) => (type === '@xstate.actor' ? [name] : []))).toContain('work');
});

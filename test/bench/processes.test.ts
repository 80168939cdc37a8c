import { expect, it } from 'vitest';
import { measureInFreshProcess, startServer } from '../../bench/processes.ts';

it('starts the server in a process of its own, and ends it', async () => {
  const server = await startServer();
  const response = await fetch(`${server.url}/state`);
  expect(await response.json()).toEqual({ requests: 0, bodyBytes: 0, hung: 0, hanging: 0 });
  server.stop();
  const isUp = () =>
    fetch(server.url).then(
      () => true,
      () => false,
    );
  while (await isUp());
});

it('says which measurement failed', async () => {
  const size = { warmUp: 0, count: 0 };
  const scenario = { number: 0, name: 'poem', peers: [], repetitions: 1, size, quick: size, rows: [] };
  const failing = measureInFreshProcess({ scenario, peer: 'troupe', serverURL: 'http://127.0.0.1:1', quick: true });
  await expect(failing).rejects.toThrow(/^Expected a line from .*worker\.ts poem troupe .*, got its end \(1\)\.$/);
});

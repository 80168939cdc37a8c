import { get, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { levelMessage } from '../../bench/answers.ts';
import { createModelServer } from '../../bench/server.ts';

let server = createModelServer();
let url = '';

beforeEach(async () => {
  server = createModelServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const user = { role: 'user', content: 'Please go on.' };
const output = { type: 'function_call_output', call_id: 'call_0', output: '' };

async function asked(model: string, input: readonly unknown[] = [user]): Promise<readonly Record<string, unknown>[]> {
  const response = await fetch(`${url}/v1/responses`, { method: 'POST', body: JSON.stringify({ model, input }) });
  const text = await response.text();
  return text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
}

const typesOf = (events: readonly Record<string, unknown>[]) => events.map(({ type }) => type);
const deltasOf = (events: readonly Record<string, unknown>[]) =>
  typesOf(events).filter((type) => type === 'response.output_text.delta').length;

const state = () =>
  new Promise<unknown>((resolve, reject) => {
    get(`${url}/state`, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => resolve(JSON.parse(text)));
    }).on('error', reject);
  });

describe('the model server', () => {
  it('says as many deltas as the name of the model asks for, and ends as the Responses API does', async () => {
    const events = await asked('deltas-3');
    expect(typesOf(events)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
  });

  it('calls once in each round since the user spoke last, and then says something', async () => {
    const item = (round: number) => ({
      id: `fc_${round}`,
      type: 'function_call',
      status: 'completed',
      call_id: `call_${round}`,
      name: 'noop',
      arguments: '{}',
    });
    const called = (events: readonly Record<string, unknown>[]) =>
      events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    expect(called(await asked('tools-2'))).toEqual([item(0)]);
    expect(called(await asked('tools-2', [user, output]))).toEqual([item(1)]);
    expect(called(await asked('tools-2', [user, output, output, user]))).toEqual([item(0)]);
    expect(deltasOf(await asked('tools-2', [user, output, output]))).toBe(20);
  });

  it('counts what it was sent', async () => {
    const body = JSON.stringify({ model: 'text-1', input: [user] });
    await asked('text-1');
    await asked('text-1');
    expect(await state()).toEqual({ requests: 2, bodyBytes: 2 * body.length, hung: 0, hanging: 0 });
  });

  it('calls an agent with what the level below is to be told, and the tool at the last one', async () => {
    const callsOf = async (model: string, levels: number, outputs: number) => {
      const first = { role: 'user', content: levelMessage(levels) };
      const events = await asked(model, [first, ...Array.from({ length: outputs }, () => output)]);
      return events
        .filter(({ type }) => type === 'response.output_item.done')
        .map(({ item }) => item as Record<string, unknown>) // As the wire has it.
        .map(({ name, arguments: input }) => [name, input]);
    };
    const below = JSON.stringify({ message: levelMessage(2) });
    expect(await callsOf('nest', 3, 0)).toEqual([['agent', below]]);
    expect(await callsOf('spawn', 3, 0)).toEqual([
      ['spawn_agent', below],
      ['wait_agent', '{}'],
    ]);
    expect(await callsOf('nest', 0, 0)).toEqual([['noop', '{}']]);
    expect(deltasOf(await asked('nest', [{ role: 'user', content: levelMessage(3) }, output]))).toBe(20);
  });

  it('leaves an answer hanging, and knows when its connection has closed', async () => {
    const hung = request(`${url}/v1/responses`, { method: 'POST' });
    const headers = new Promise<number | undefined>((resolve) => {
      hung.on('response', ({ statusCode }) => resolve(statusCode));
    });
    hung.on('error', () => undefined).end(JSON.stringify({ model: 'hang' }));
    expect(await headers).toBe(200);
    expect(await state()).toMatchObject({ hung: 1, hanging: 1 });
    hung.destroy();
    let now = await state();
    while (JSON.stringify(now).includes('"hanging":1')) now = await state();
    expect(now).toMatchObject({ hung: 1, hanging: 0 });
  });

  it.each(['poem', 'text', 'text-1000000', ''])('refuses a model that is no script: "%s"', async (model) => {
    const body = JSON.stringify({ model, input: [user] });
    const response = await fetch(`${url}/v1/responses`, { method: 'POST', body });
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        error: { message: `Expected the model to be text-N, tools-N, deltas-N, nest, spawn or hang, got "${model}".` },
      },
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { ask, modelAt, paths, textOf } from './asking.ts';
import { chatSaying, type Reply, replyEvents, replyJson, saying, startModelServer } from './model-server.ts';

const hello = replyEvents(saying('Hello'));
const chatHello = replyEvents(chatSaying('Hello'));
const RESPONSES = 'responses';
const CHAT = 'chat/completions';

describe('auto', () => {
  const notFound =
    (text: string, status = 404): Reply =>
    (response) =>
      void response.writeHead(status).end(text);
  const unknown = (status: number, message: string) => replyJson(status, { error: { message } });

  test.each<{ what: string; reply: Reply }>([
    { what: 'FastAPI', reply: replyJson(404, { detail: 'Not Found' }) },
    {
      what: 'llama.cpp',
      reply: replyJson(404, { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } }),
    },
    { what: 'Ollama', reply: notFound('404 page not found') },
    { what: 'Groq', reply: unknown(404, 'Unknown request URL: POST /openai/v1/responses. Please check the URL.') },
    { what: 'a router that knows the path', reply: notFound('', 405) },
    { what: 'who has not got to it', reply: notFound('Not Implemented', 501) },
    { what: 'Azure', reply: unknown(400, 'The responses operation is not supported by this model.') },
    { what: 'a validator', reply: unknown(422, 'Unsupported endpoint.') },
    { what: 'LM Studio', reply: replyJson(200, { error: 'Unexpected endpoint or method. (POST /v1/responses)' }) },
  ])('speaks Chat Completions with a server that has only those: $what', async ({ reply }) => {
    const server = await startModelServer(reply, chatHello);
    const answers = [await ask(modelAt(server, { wireApi: 'auto' })), await ask(modelAt(server, { wireApi: 'auto' }))];
    expect(answers.map(textOf)).toEqual(['Hello', 'Hello']);
    // The second model is another one, and knows already.
    expect(paths(server)).toEqual([RESPONSES, CHAT, CHAT]);
  });

  test('speaks Responses with a server that has them, and never asks again', async () => {
    const server = await startModelServer(hello, notFound('404 page not found'));
    const model = modelAt(server, { wireApi: 'auto' });
    expect([textOf(await ask(model)), textOf(await ask(model))]).toEqual(['Hello', 'model-error']);
    expect(paths(server)).toEqual([RESPONSES, RESPONSES]);
  });

  test.each<{ what: string; reply: Reply; code: string }>([
    {
      what: 'a model that is unknown',
      reply: replyJson(404, { error: { code: 'model_not_found', message: 'No.' } }),
      code: 'model-error',
    },
    {
      what: 'a model that is not pulled',
      reply: unknown(404, 'model "x" not found, try pulling it first'),
      code: 'model-error',
    },
    { what: 'a request that is wrong', reply: unknown(400, 'Invalid value for temperature.'), code: 'model-error' },
    { what: 'a wrong key', reply: unknown(401, 'No.'), code: 'unauthorized' },
    {
      what: 'a page',
      reply: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Log in'),
      code: 'model-error',
    },
    { what: 'JSON', reply: replyJson(200, { output: [] }), code: 'model-error' },
  ])('does not take $what for a missing interface', async ({ reply, code }) => {
    const server = await startModelServer(reply, hello);
    const model = modelAt(server, { wireApi: 'auto' });
    expect([textOf(await ask(model)), textOf(await ask(model))]).toEqual([code, 'Hello']);
    expect(paths(server)).toEqual([RESPONSES, RESPONSES]);
  });

  test('does not take a page for the interface that it had asked for', async () => {
    const page: Reply = (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Log in');
    const server = await startModelServer(page, notFound('404 page not found'), chatHello);
    expect(textOf(await ask(modelAt(server, { wireApi: 'auto' })))).toBe('model-error');
    expect(textOf(await ask(modelAt(server, { wireApi: 'auto' })))).toBe('Hello');
    expect(paths(server)).toEqual([RESPONSES, RESPONSES, CHAT]);
  });

  test('gives up where neither is known, and begins anew with the next question', async () => {
    const server = await startModelServer(notFound('404 page not found'), notFound('404 page not found'), hello);
    const model = modelAt(server, { wireApi: 'auto' });
    expect([textOf(await ask(model)), textOf(await ask(model))]).toEqual(['model-error', 'Hello']);
    expect(paths(server)).toEqual([RESPONSES, CHAT, RESPONSES]);
  });

  test('tries again where it had come to when the other interface fails', async () => {
    const server = await startModelServer(notFound('404 page not found'), unknown(500, 'Down.'), chatHello);
    expect(textOf(await ask(modelAt(server, { wireApi: 'auto' })))).toBe('Hello');
    expect(paths(server)).toEqual([RESPONSES, CHAT, CHAT]);
  });
});

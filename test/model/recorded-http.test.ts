import { describe, expect, test } from 'vitest';
import { httpFetch } from '../../src/model/http-fetch.ts';
import { openaiModel } from '../../src/model/openai.ts';
import type { ModelAnswer, ModelProgress } from '../../src/model/port.ts';
import { seededRng } from '../../src/testing/seeded-rng.ts';
import { EVENT_STREAM, type Reply, startModelServer } from './model-server.ts';
import { answersIn, finalOf, recordedStreams, type Said, saidBy, sumOf, unstreamed } from './recordings.ts';

/** Recordings up to this many bytes are sent byte by byte; longer ones in pieces, to save time. */
const BYTEWISE_BYTES_MAX = 24 * 1024;
const PIECE_BYTES = 7;
/** Of one recording, which may hold several answers. */
const CUTS = 50;
const CUTS_AT_ONCE = 10;
const never = new AbortController().signal;

type Transport = 'fetch' | 'http';

const REQUEST = { instructions: null, history: [], tools: [], parallelToolCalls: false, cacheKey: 'session-1' };

type Told = Readonly<{ answer: ModelAnswer; progress: readonly ModelProgress[] }>;

type Send = (how: Reply, transport: Transport) => Promise<Told>;

/** Asks a model once for each reply that is given; the server answers so. The name of the model says which it is. */
async function startReplaying(wireApi: 'responses' | 'chat'): Promise<Send> {
  const replies: Reply[] = [];
  const server = await startModelServer((response, request) => {
    replies[Number(Object(server.bodies.at(-1)).model)]?.(response, request);
  });
  const modelOver = (fetch: typeof globalThis.fetch) =>
    openaiModel({ model: 'any', baseURL: server.baseURL, env: {}, wireApi, fetch, maxRetries: 0 });
  const models = { fetch: modelOver(globalThis.fetch), http: modelOver(httpFetch({ env: {} })) };
  return async (how, transport) => {
    const request = { ...REQUEST, model: String(replies.push(how) - 1) };
    const progress: ModelProgress[] = [];
    const answer = await models[transport].sample(request, (told) => progress.push(told), never);
    return { answer, progress };
  };
}

/** Each piece in a chunk of HTTP of its own, so that the client sees them one by one, however the kernel joins them. */
function pieceByPiece(bytes: Buffer, pieceBytes: number): Reply {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  const body = Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
  return (response) => {
    response.writeHead(200, { ...EVENT_STREAM, 'transfer-encoding': 'chunked', connection: 'close' }).flushHeaders();
    response.socket?.end(body);
  };
}

/** The first bytes, and then the end of the connection: an orderly one, or none. */
function cutAt(bytes: Buffer, at: number, isOrderly: boolean): Reply {
  return (response) => {
    response.writeHead(200, EVENT_STREAM);
    if (isOrderly) response.end(bytes.subarray(0, at));
    else response.write(bytes.subarray(0, at), () => response.destroy());
  };
}

function framed(lines: readonly string[], lineEnd: string, wireApi: 'responses' | 'chat'): Buffer {
  const events = wireApi === 'chat' ? [...lines, '[DONE]'] : lines;
  return Buffer.from(events.map((line) => `data: ${line}${lineEnd}${lineEnd}`).join(''));
}

/** What is said by a recording that is no answer. */
const FAULTY: Readonly<Record<string, string>> = {
  'responses-sse/openai/openai-error.1.chunks.txt': 'rate-limited',
  'responses-sse/openai/parallel-tool-call-wrapper.1.chunks.txt': 'model-error',
};

/** What a recording says, by a reading of it that has nothing to do with ours. */
function expectedOf(file: string, lines: readonly string[], wireApi: 'responses' | 'chat'): Said | string {
  return FAULTY[file] ?? (wireApi === 'chat' ? sumOf(lines) : finalOf(lines));
}

function outcomeOf(answer: ModelAnswer): Said | string {
  return answer.status === 'failed' ? answer.error.code : saidBy(answer);
}

/** A cut leaves nothing of the answer, or all of it when it comes after the end; what was told before is the same. */
function expectCut({ answer, progress }: Told, whole: Told): void {
  if (answer.status === 'completed' || answer.status === 'incomplete') {
    // The count of tokens may come after the end, and be cut off.
    expect({ ...answer, usage: null }).toEqual({ ...whole.answer, usage: null });
  } else {
    expect(['stream-cut', outcomeOf(whole.answer)]).toContain(outcomeOf(answer));
  }
  // As text, because comparing thousands of objects takes longer than all the rest.
  expect(toldText(whole).startsWith(toldText({ answer, progress }))).toBe(true);
}

function toldText({ progress }: Told): string {
  return progress.flatMap((told) => (told.type === 'output.completed' ? [] : JSON.stringify(told))).join('\n');
}

describe.each([
  { wireApi: 'responses' as const, files: recordedStreams('responses-sse') },
  { wireApi: 'chat' as const, files: recordedStreams('chat-sse') },
])('recordings over HTTP, $wireApi (skipped where ../shared/fixtures is absent)', ({ wireApi, files }) => {
  test.skipIf(files.length === 0).each(files.length === 0 ? ['no recording'] : files)('%s', async (file) => {
    const send = await startReplaying(wireApi);
    const answers = answersIn(file);
    for (const lines of answers) {
      const bytes = framed(lines, '\n', wireApi);
      const whole = await send((response) => response.writeHead(200, EVENT_STREAM).end(bytes), 'fetch');
      expect(outcomeOf(whole.answer)).toEqual(expectedOf(file, lines, wireApi));
      const same = wireApi === 'chat' ? unstreamed(file, lines) : null;
      if (same !== null) expect(outcomeOf(whole.answer)).toEqual(same);
      const pieceBytes = bytes.length <= BYTEWISE_BYTES_MAX ? 1 : PIECE_BYTES;
      const inPieces = pieceByPiece(framed(lines, '\r\n', wireApi), pieceBytes);
      expect(await send(inPieces, 'fetch')).toEqual(whole);
      expect(await send(inPieces, 'http')).toEqual(whole);
      const rng = seededRng(file);
      const cuts = Array.from({ length: Math.ceil(CUTS / answers.length) }, () => {
        const how = cutAt(bytes, rng.integer(0, bytes.length - 1), rng.pick([true, false]));
        return { how, transport: rng.pick(['fetch', 'http'] as const) };
      });
      while (cuts.length > 0) {
        const told = await Promise.all(cuts.splice(0, CUTS_AT_ONCE).map(({ how, transport }) => send(how, transport)));
        for (const one of told) expectCut(one, whole);
      }
    }
  });
});

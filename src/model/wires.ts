import type { Sent } from './attempt.ts';
import { shortText } from './bounded-body.ts';
import { CHAT_REFUSABLES, chatBody } from './chat-input.ts';
import { createChatStream } from './chat-stream.ts';
import { type Api, type Endpoint, type RequestBudget, refusalIn } from './endpoint.ts';
import type { ModelRequest } from './port.ts';
import { refusedIn } from './refusals.ts';
import { createResponsesWriter } from './responses-body.ts';
import { RESPONSES_REFUSABLES, responsesBody } from './responses-input.ts';
import { createResponsesStream } from './responses-stream.ts';
import { lacksApi, saysUnknownApi } from './unknown-api.ts';

/** One of the interfaces: how a request is sent, and how its answer is read. */
export type Wire = Readonly<{
  /** Resolves when a good status has come; rejects as the `post` of its endpoint does. */
  send(request: ModelRequest, budget: RequestBudget, signal: AbortSignal): Promise<Sent>;
}>;

export type WireApi = keyof typeof WIRES;

/** `auto`: Responses, and Chat Completions from a server that has only those. */
export const WIRES = {
  responses: (endpoint) => createWire(endpoint, 'responses'),
  chat: (endpoint) => createWire(endpoint, 'chat'),
  auto: createAutoWire,
} satisfies Record<string, (endpoint: Endpoint) => Wire>;

const DIALECTS = {
  responses: {
    makeBody: responsesBody,
    createWriter: createResponsesWriter,
    createStream: createResponsesStream,
    refusables: RESPONSES_REFUSABLES,
  },
  chat: {
    makeBody: chatBody,
    createWriter:
      () =>
      (...wanted: Parameters<typeof chatBody>) =>
        JSON.stringify(chatBody(...wanted)),
    createStream: createChatStream,
    refusables: CHAT_REFUSABLES,
  },
} as const;

function createWire(endpoint: Endpoint, api: Api): Wire {
  const { makeBody, createWriter, createStream, refusables } = DIALECTS[api];
  const { provider, isOpenAI, where } = endpoint;
  const write = createWriter();
  const refused = new Set<string>();
  return {
    async send(request, budget, signal) {
      const images = await endpoint.loadImages(request.history, signal);
      const server = { provider, isOpenAI, images, model: request.model ?? endpoint.model };
      for (;;) {
        const body = write(request, server, refused);
        budget.spend();
        try {
          const response = await endpoint.post(api, body, signal);
          return { response, stream: createStream({ callIdPrefix: `call_${request.history.length}_`, where }) };
        } catch (thrown) {
          const names = refusedIn(refusalIn(thrown), () => makeBody(request, server, refused), refusables);
          for (const name of names) refused.add(name);
          if (names.length === 0 || budget.left() <= 0) throw thrown;
        }
      }
    },
  };
}

function createAutoWire(endpoint: Endpoint): Wire {
  const wires = { responses: createWire(endpoint, 'responses'), chat: createWire(endpoint, 'chat') };
  // Until Chat Completions have answered it is only a guess that the server has them, and a guess of this model alone.
  let guess: Api = 'responses';
  return {
    async send(request, budget, signal) {
      const known = knownApis.get(endpoint.baseURL);
      if (known !== undefined) return wires[known].send(request, budget, signal);
      if (guess === 'responses') {
        try {
          const sent = await sentUnlessUnknown(await wires.responses.send(request, budget, signal), signal);
          if (sent !== null) return remembered(endpoint, 'responses', sent);
        } catch (thrown) {
          if (!lacksApi(refusalIn(thrown)) || budget.left() <= 0) throw thrown;
        }
      }
      guess = 'chat';
      try {
        return remembered(endpoint, 'chat', await wires.chat.send(request, budget, signal));
      } catch (thrown) {
        if (lacksApi(refusalIn(thrown))) guess = 'responses';
        throw thrown;
      }
    },
  };
}

/** By base URL, for the life of the process. */
const knownApis = new Map<string, Api>();
/** Base URLs that are remembered; a process speaks to a handful. */
const KNOWN_APIS_MAX = 1_000;

/** Remembers what has begun to answer as such an interface does; a web page does not. */
function remembered(endpoint: Endpoint, api: Api, sent: Sent): Sent {
  if (!sent.response.headers.get('content-type')?.includes('event-stream')) return sent;
  if (knownApis.size >= KNOWN_APIS_MAX) knownApis.clear();
  knownApis.set(endpoint.baseURL, api);
  return sent;
}

/** Null where a good status comes with words that say that the address is unknown, as LM Studio does it. */
async function sentUnlessUnknown({ response, stream }: Sent, signal: AbortSignal): Promise<Sent | null> {
  if (!response.headers.get('content-type')?.includes('application/json')) return { response, stream };
  const text = await shortText(response, WORDS_BYTES_MAX, signal);
  if (saysUnknownApi(text)) return null;
  const { status, headers } = response;
  return { response: new Response(text, { status, headers }), stream };
}

const WORDS_BYTES_MAX = 4_096;

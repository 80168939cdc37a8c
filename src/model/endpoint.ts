import type { HistoryEntry } from '../protocol/history.ts';
import type { Complaint } from './faults.ts';
import type { ImageUrls } from './images.ts';

/** The interfaces of OpenAI that an adapter speaks. */
export type Api = 'responses' | 'chat';

/** JSON that is ready to be sent: as text, or as the bytes of which it is made up, one after the other. */
export type Body = string | readonly Uint8Array[];

/** Where a model answers, and how it is asked: all that a wire needs to know of it. */
export type Endpoint = Readonly<{
  baseURL: string;
  /** The base URL, for messages. */
  where: string;
  /** Whose `raw` may go back. */
  provider: string;
  model: string;
  /** Takes encrypted reasoning, custom tools and developer messages: OpenAI's own, also where Azure runs it. */
  isOpenAI: boolean;
  /** Sends a body. Resolves when a good status has come; rejects with a `RefusedError` when it is a bad one. */
  post(api: Api, body: Body, signal: AbortSignal): Promise<Response>;
  /** What can be shown of the local images of a history. */
  loadImages(history: readonly HistoryEntry[], signal: AbortSignal): Promise<ImageUrls>;
}>;

/** What a request is made for. */
export type Server = Pick<Endpoint, 'provider' | 'model' | 'isOpenAI'> & Readonly<{ images: ImageUrls }>;

/** A bad status, and what the server said with it. `param`: the field of the request that it names. */
export type Refusal = Complaint & Readonly<{ status: number; param: string | null }>;

/** The server has answered with a bad status. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'RefusedError';
    this.refusal = refusal;
  }
}

/** What the server said when `post` rejected; null when it was not reached. */
export function refusalIn(thrown: unknown): Refusal | null {
  return thrown instanceof RefusedError ? thrown.refusal : null;
}

/** How many requests one question to the model may still cost. */
export type RequestBudget = Readonly<{ left(): number; spend(): void }>;

export function createRequestBudget(requestsMax: number): RequestBudget {
  let spent = 0;
  return {
    left: () => requestsMax - spent,
    spend() {
      spent += 1;
    },
  };
}

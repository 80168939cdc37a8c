import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** Bytes that wait here for a slow reader before the server is made to wait; Node's own buffers come on top. */
export const QUEUE_BYTES_MAX = 64 * 1024;
/** Bytes of a body that is asked for as a whole; what servers say about errors is far shorter. */
export const WHOLE_BYTES_MAX = 32 * 1024 * 1024;

/** Is told of a body as it comes, in the turn of the event loop in which it comes. Must not throw. */
export type BodyListener = Readonly<{
  onChunk(chunk: Uint8Array): void;
  /** Nothing more comes: the body is whole, or it was cancelled. */
  onEnd(): void;
  /** Nothing more comes: the connection broke, or the signal of the request aborted. */
  onBreak(reason: unknown): void;
}>;

/** What a reader of web streams gives. */
type Piece = Readonly<{ done: false; value: Uint8Array }> | Readonly<{ done: true; value: undefined }>;

export type BodyReader = Readonly<{
  read(): Promise<Piece>;
  /** Lets go of the connection; settles when it is closed. */
  cancel(): Promise<void>;
  releaseLock(): void;
}>;

/** The body of a response, to be read once: as a `ReadableStream` is read, as an iterable, or by a listener. */
export type HttpBody = Readonly<{
  locked: boolean;
  getReader(): BodyReader;
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
  /** The cheapest way: no promise for each chunk. What has come already is told before this returns. */
  listen(listener: BodyListener): void;
  cancel(): Promise<void>;
}>;

/** Whether a body can be listened to: one of ours, and no web stream. */
export function isHttpBody(body: object): body is HttpBody {
  return 'listen' in body && typeof body.listen === 'function';
}

/** A body, and what can become of it from without. */
export type OpenBody = Readonly<{
  body: HttpBody;
  /** The signal of the request aborted: nothing more is read, and the connection closes. */
  abort(reason: unknown): void;
  /** Why the connection is about to break, where that is known before it does. */
  blame(cause: unknown): void;
}>;

/** The body of `incoming`, decoded. `onOver` is told once, when nothing more will come. */
export function createHttpBody(incoming: IncomingMessage, onOver: () => void): OpenBody {
  const queue: Uint8Array[] = [];
  const waiting: Waiting[] = [];
  let queuedBytes = 0;
  let end: End | null = null;
  let listener: BodyListener | null = null;
  let locked = false;
  let blamed: unknown = null;

  const finish = (how: End) => {
    if (end !== null) return;
    end = how;
    onOver();
    if (listener !== null) tellEnd(listener, how);
    for (const reader of waiting.splice(0)) settle(reader, how);
  };
  const cut = (thrown: unknown) => {
    finish({ status: 'broken', reason: new TypeError('terminated', { cause: blamed ?? thrown }) });
  };
  const drop = (how: End) => {
    queue.length = 0;
    finish(how);
    incoming.destroy();
  };
  const take = (chunk: Uint8Array) => {
    if (end !== null) return;
    if (listener !== null) return listener.onChunk(chunk);
    const reader = waiting.shift();
    if (reader !== undefined) return reader.resolve({ done: false, value: chunk });
    queue.push(chunk);
    queuedBytes += chunk.byteLength;
    if (queuedBytes >= QUEUE_BYTES_MAX) source.pause();
  };
  const source = decoded(incoming, { take, finish: () => finish(WHOLE), cut });

  const blame = (cause: unknown) => {
    blamed ??= cause;
  };
  const lock = () => {
    if (locked) throw new TypeError('Expected a body that nobody reads, got one that is being read or was read.');
    locked = true;
  };
  const read = (): Promise<Piece> => {
    const chunk = queue.shift();
    if (chunk !== undefined) {
      queuedBytes -= chunk.byteLength;
      if (queuedBytes < QUEUE_BYTES_MAX && source.isPaused()) source.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    return new Promise((resolve, reject) => {
      if (end === null) waiting.push({ resolve, reject });
      else settle({ resolve, reject }, end);
    });
  };
  const cancel = (): Promise<void> => {
    if (end?.status === 'whole' && queue.length === 0) return Promise.resolve();
    drop(CANCELLED);
    return new Promise((resolve) => {
      if (incoming.closed) resolve();
      else incoming.once('close', resolve);
    });
  };

  const body: HttpBody = {
    get locked() {
      return locked;
    },
    cancel,
    getReader() {
      lock();
      return {
        read,
        cancel,
        releaseLock() {
          locked = false;
        },
      };
    },
    [Symbol.asyncIterator]() {
      lock();
      return {
        next: read,
        async return() {
          await cancel();
          return { done: true, value: undefined };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
    listen(told) {
      lock();
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) told.onChunk(chunk);
      listener = told;
      if (end !== null) tellEnd(told, end);
      else if (source.isPaused()) source.resume();
    },
  };
  return { body, abort: (reason) => drop({ status: 'broken', reason }), blame };
}

/** All bytes of a body, at most `WHOLE_BYTES_MAX`. */
export function wholeOf(body: HttpBody | null): Promise<Buffer> {
  if (body === null) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    body.listen({
      onChunk(chunk) {
        bytes += chunk.byteLength;
        if (bytes <= WHOLE_BYTES_MAX) chunks.push(chunk);
        else {
          reject(new TypeError(`Expected a body of at most ${WHOLE_BYTES_MAX} bytes, got a longer one.`));
          void body.cancel();
        }
      },
      onEnd: () => resolve(Buffer.concat(chunks)),
      onBreak: reject,
    });
  });
}

type End = Readonly<{ status: 'whole' | 'cancelled' }> | Readonly<{ status: 'broken'; reason: unknown }>;
type Waiting = Readonly<{ resolve(piece: Piece): void; reject(reason: unknown): void }>;

const WHOLE: End = { status: 'whole' };
const CANCELLED: End = { status: 'cancelled' };
const LAST: Piece = { done: true, value: undefined };

function settle(reader: Waiting, end: End): void {
  if (end.status === 'broken') reader.reject(end.reason);
  else reader.resolve(LAST);
}

function tellEnd(listener: BodyListener, end: End): void {
  if (end.status === 'broken') listener.onBreak(end.reason);
  else listener.onEnd();
}

type Flow = Readonly<{ take(chunk: Uint8Array): void; finish(): void; cut(cause: unknown): void }>;

/** Lets the body flow, decoded if its headers name a coding that is known. */
function decoded(incoming: IncomingMessage, { take, finish, cut }: Flow): Readable {
  const decoder = DECODERS.get(incoming.headers['content-encoding']?.toLowerCase())?.() ?? null;
  const source = decoder ?? incoming;
  source.on('data', take);
  source.on('end', finish);
  source.on('error', cut);
  // A decoder that fails closes the connection, and a connection that breaks ends the decoder.
  if (decoder !== null) pipeline(incoming, decoder, (error) => error && cut(error));
  return source;
}

const DECODERS: ReadonlyMap<string | undefined, () => ReturnType<typeof createGunzip>> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

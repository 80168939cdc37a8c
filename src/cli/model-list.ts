import * as z from 'zod';
import { shortText } from '../model/bounded-body.ts';
import { displayArgv } from '../policy/display.ts';
import { messageOf } from '../protocol/errors.ts';

/** How long the server that is set may take to answer, in ms. */
export const SERVER_TIMEOUT_MS = 2_000;
/** How long one on this machine may take: it is there, or it is not. */
export const LOCAL_TIMEOUT_MS = 500;
/** Of a longer list of models nothing is read. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;

/** What a server said when it was asked for its models. */
export type ServerAnswer = Readonly<
  | { status: 'models'; models: readonly string[] }
  | { status: 'unauthorised'; code: number }
  | { status: 'other'; code: number }
  | { status: 'unreachable'; why: string }
>;

const modelList = z.object({ data: z.array(z.object({ id: z.string().min(1) })) });

/** Asks a server for its models: one GET, without anything that is not needed for it. */
export async function listModels(
  baseURL: string,
  apiKey: string | undefined,
  timeoutMs: number,
): Promise<ServerAnswer> {
  try {
    const response = await fetch(`${baseURL.replace(/\/+$/, '')}/models`, {
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(timeoutMs),
      // The key is for this server.
      redirect: 'manual',
    });
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      return { status: 'unauthorised', code: response.status };
    }
    const text = await shortText(response, LIST_BYTES_MAX, null);
    const list = response.ok ? modelList.safeParse(json(text)) : null;
    if (!list?.success) return { status: 'other', code: response.status };
    return { status: 'models', models: list.data.data.map(({ id }) => id) };
  } catch (error) {
    return { status: 'unreachable', why: whyOf(error, timeoutMs) };
  }
}

/** A kind of server that people run on their own machine, and where it is when they change nothing. */
export type LocalKind = Readonly<{ name: string; baseURL: string }>;

export const LOCAL_KINDS: readonly LocalKind[] = [
  { name: 'llama.cpp', baseURL: 'http://127.0.0.1:8080/v1' },
  { name: 'Ollama', baseURL: 'http://127.0.0.1:11434/v1' },
  { name: 'LM Studio', baseURL: 'http://127.0.0.1:1234/v1' },
  { name: 'vLLM', baseURL: 'http://127.0.0.1:8000/v1' },
];

/** One that answers. `line` runs a task with it as it stands; null where it has no model. */
export type LocalServer = LocalKind & Readonly<{ models: readonly string[]; line: string | null }>;

/** Those that answer as model servers do, in the order given. */
export async function findLocalServers(kinds: readonly LocalKind[]): Promise<readonly LocalServer[]> {
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const answer = await listModels(kind.baseURL, undefined, LOCAL_TIMEOUT_MS);
      if (answer.status !== 'models') return [];
      const { models } = answer;
      const [model] = models;
      return [{ ...kind, models, line: model === undefined ? null : lineFor(kind.baseURL, model) }];
    }),
  );
  return found.flat();
}

function lineFor(baseURL: string, model: string): string {
  return `OPENAI_BASE_URL=${displayArgv([baseURL])} troupe exec --wire auto -m ${displayArgv([model])} "What is in this directory?"`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function whyOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${timeoutMs} ms`;
  const cause = error instanceof Error ? error.cause : null;
  if (!(cause instanceof Error)) return messageOf(error);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}

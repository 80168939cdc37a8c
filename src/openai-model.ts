import { loadImage } from './here/load-image.ts';
import { httpFetch } from './model/http-fetch.ts';
import { type OpenAIModelOptions as AdapterOptions, openaiModel as modelOf } from './model/openai.ts';
import type { Model } from './model/port.ts';

export type OpenAIModelOptions = AdapterOptions &
  Readonly<{
    /** How requests travel: over `node:http` with connections kept alive (default), or by Node's own `fetch`. */
    transport?: 'http' | 'fetch';
  }>;

/**
 * A model of OpenAI, or of any server that speaks as OpenAI does; local images are read from this machine. Makes no
 * connection until it is asked. Throws `TroupeError('invalid-config')` for options that cannot work.
 */
export function openaiModel({ transport = 'http', ...options }: OpenAIModelOptions): Model {
  return modelOf({ loadImage, ...(transport === 'http' ? { fetch: httpFetch() } : {}), ...options });
}

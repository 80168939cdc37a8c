import type { HistoryEntry } from '../protocol/history.ts';
import type { InputPart } from '../protocol/input.ts';
import { unlessAborted } from './pause.ts';

export type LocalImage = Extract<InputPart, { type: 'local-image' }>;

/** URLs of local images; those that are missing could not be read. */
export type ImageUrls = ReadonlyMap<LocalImage, string>;

/** What the model is told where an image could not be read. */
export const IMAGE_MISSING = 'There was an image here that could not be read.';

/** The URL under which a part can be shown; undefined when it cannot. */
export function imageUrl(part: Extract<InputPart, { type: 'image' | 'local-image' }>, urls: ImageUrls) {
  return part.type === 'image' ? part.url : urls.get(part);
}

/**
 * Loads the local images of a history through `load`, each once: what the model was shown stays what it is, even when
 * the file changes. An image that cannot be read is left out, and tried again with the next request.
 */
export function createImageLoader(load: ((path: string) => Promise<string>) | undefined) {
  const known = new WeakMap<LocalImage, string>();
  return async (history: readonly HistoryEntry[], signal: AbortSignal): Promise<ImageUrls> => {
    const urls = new Map<LocalImage, string>();
    if (load === undefined) return urls;
    for (const image of localImages(history)) {
      // An image that has gone since must not stop the conversation.
      const loading = async () => load(image.path);
      const url = known.get(image) ?? (await unlessAborted(loading(), signal).catch(() => null));
      signal.throwIfAborted();
      if (url === null) continue;
      known.set(image, url);
      urls.set(image, url);
    }
    return urls;
  };
}

/** The local images that a history shows, in order. */
function localImages(history: readonly HistoryEntry[]): readonly LocalImage[] {
  const images: LocalImage[] = [];
  for (const entry of history) {
    if (entry.type !== 'message' || entry.role === 'assistant') continue;
    for (const part of entry.content) if (part.type === 'local-image') images.push(part);
  }
  return images;
}

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of one image: as data in a request, and with a history around it, still within the 50 MB that OpenAI takes. */
export const IMAGE_BYTES_MAX = 20 * 1024 * 1024;

/**
 * A local image as a data URL. Rejects, and says why, where there is no file, or none that is a PNG, JPEG, GIF or WebP
 * by its first bytes: the name does not count, so that no other file of this machine is sent to a model as an image.
 */
export async function loadImage(path: string): Promise<string> {
  // Without NONBLOCK the opening of a pipe waits for a writer, for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = await bytesOf(file, path);
    const type = FORMATS.find(({ begins }) => begins(bytes))?.type;
    if (type === undefined) throw new Error(`Expected a PNG, JPEG, GIF or WebP image, got something else: ${path}`);
    return `data:${type};base64,${bytes.toString('base64')}`;
  } finally {
    await file.close();
  }
}

async function bytesOf(file: FileHandle, path: string): Promise<Buffer> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error(`Expected a file, got something else: ${path}`);
  if (stats.size > IMAGE_BYTES_MAX) {
    throw new Error(`Expected an image of at most ${IMAGE_BYTES_MAX} bytes, got ${stats.size}: ${path}`);
  }
  return await file.readFile();
}

type Format = Readonly<{ type: string; begins(bytes: Buffer): boolean }>;

const FORMATS: readonly Format[] = [
  { type: 'image/png', begins: (bytes) => bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n' },
  { type: 'image/jpeg', begins: (bytes) => bytes.toString('latin1', 0, 3) === '\xff\xd8\xff' },
  { type: 'image/gif', begins: (bytes) => /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6)) },
  { type: 'image/webp', begins: (bytes) => /^RIFF.{4}WEBP/s.test(bytes.toString('latin1', 0, 12)) },
];

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../protocol/errors.ts';
import type { StoreFiles } from '../workspace/store-files.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Files of ours below a directory that is for nobody else. */
export function storeDirectory(root: string): StoreFiles {
  const place = (folder: string, name: string) => {
    if (!NAME.test(name) || name.startsWith('.'))
      throw new Error(`Expected the name of a file of ours, got ${JSON.stringify(name)}`);
    return join(root, folder, name);
  };
  return {
    async names(folder) {
      try {
        return (await readdir(join(root, folder))).filter((name) => NAME.test(name) && !name.startsWith('.'));
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return [];
        throw error;
      }
    },
    async read(folder, name) {
      try {
        return await readFile(place(folder, name));
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return null;
        throw error;
      }
    },
    async readPart(folder, name, offset, length) {
      const file = await open(place(folder, name), 'r');
      try {
        const bytes = Buffer.alloc(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async create(folder, name, parts) {
      const path = place(folder, name);
      await mkdir(join(root, folder), { recursive: true, mode: DIRECTORY_MODE });
      const beside = join(root, folder, `.${name}.new`);
      const file = await open(beside, 'w', FILE_MODE);
      try {
        for await (const part of gathered(parts)) await file.appendFile(part);
        await file.datasync();
        await file.close();
        await rename(beside, path);
      } catch (error) {
        await file.close().catch(() => {});
        await rm(beside, { force: true });
        throw error;
      }
    },
    location: place,
    size: async (folder, name) => (await stat(place(folder, name)).catch(() => null))?.size ?? 0,
    remove: (folder, name) => rm(place(folder, name), { force: true }),
  };
}

/** How much is written at once, in bytes. */
const PIECE_BYTES = 1_048_576;

async function* gathered(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** Where checkpoints are kept, as they need it: a directory of our own. Names have no slashes. Failures are rejections. */
export interface StoreFiles {
  names(folder: string): Promise<readonly string[]>;
  /** Null when there is none. */
  read(folder: string, name: string): Promise<Uint8Array | null>;
  /** Part of a file. */
  readPart(folder: string, name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Writes a whole file that was not there, durably; none of it is there when that fails. */
  create(folder: string, name: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Where a file is, for people. */
  location(folder: string, name: string): string;
  size(folder: string, name: string): Promise<number>;
  remove(folder: string, name: string): Promise<void>;
}

/** What is at a path; symbolic links are not followed. */
export type FileKind = 'file' | 'directory' | 'link' | 'other' | 'missing';

/** The file system, as far as tools need it. Paths are absolute; failures are rejections with a `code` as Node's have. */
export interface Files {
  kind(path: string): Promise<FileKind>;
  /** The path with every link resolved. */
  realPath(path: string): Promise<string>;
  read(path: string): Promise<Uint8Array>;
  /** The permission bits of a file. */
  mode(path: string): Promise<number>;
  /**
   * Writes beside and renames, so that a reader sees the old content or the new. It gets `mode`, else the mode of what was
   * there, else that of any new file.
   */
  write(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Removes a directory that is empty. */
  removeDirectory(path: string): Promise<void>;
}

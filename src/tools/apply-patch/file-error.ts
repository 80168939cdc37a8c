import { errorCode, messageOf } from '../../protocol/errors.ts';

/** Why the file system refused something, in words, as a part of a sentence. */
export function fileErrorText(error: unknown): string {
  const code = errorCode(error);
  const words = code === null ? undefined : WORDS[code];
  return words === undefined ? messageOf(error) : `${words} (${code})`;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'there is a link where none may be, or too many of them',
  ENOENT: 'it is not there',
  EFBIG: 'the file is too big',
  EMFILE: 'too many files are open',
  EIO: 'the disk failed',
};

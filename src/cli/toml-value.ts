/** What a value may be that is given on the command line: the part of TOML that JSON shares, and tables. */
export type TomlValue = string | number | boolean | readonly TomlValue[] | Readonly<{ [key: string]: TomlValue }>;

/** Deeper nesting is refused. */
const DEPTH_MAX = 32;

/**
 * Reads a TOML value: a string in quotes, a number, true or false, an array, an inline table. Null where the text is
 * none of these.
 */
export function readTomlValue(text: string): { value: TomlValue } | null {
  const reader = { text, at: 0 };
  const value = readValue(reader, 0);
  skipBlanks(reader);
  return value === null || reader.at < text.length ? null : value;
}

type Reader = { readonly text: string; at: number };
type Read = { value: TomlValue } | null;

function readValue(reader: Reader, depth: number): Read {
  skipBlanks(reader);
  if (depth > DEPTH_MAX) return null;
  switch (reader.text[reader.at]) {
    case '"':
    case "'":
      return readString(reader);
    case '[':
      return readArray(reader, depth);
    case '{':
      return readTable(reader, depth);
    default:
      return readWord(reader);
  }
}

function readString(reader: Reader): { value: string } | null {
  const literal = take(reader, /'([^'\n]*)'/y);
  if (literal !== null) return { value: literal.slice(1, -1) };
  const quoted = take(reader, /"(?:[^"\\\n]|\\.)*"/y);
  if (quoted === null) return null;
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'string' ? { value } : null;
  } catch {
    return null;
  }
}

function readArray(reader: Reader, depth: number): Read {
  const values: TomlValue[] = [];
  const isRead = readList(reader, ']', () => {
    const found = readValue(reader, depth + 1);
    if (found !== null) values.push(found.value);
    return found !== null;
  });
  return isRead ? { value: values } : null;
}

function readTable(reader: Reader, depth: number): Read {
  const entries: [string, TomlValue][] = [];
  const isRead = readList(reader, '}', () => {
    const bare = take(reader, /[A-Za-z0-9_-]+/y);
    const key = bare === null ? readString(reader) : { value: bare };
    skipBlanks(reader);
    if (key === null || take(reader, /=/y) === null) return false;
    const found = readValue(reader, depth + 1);
    if (found !== null) entries.push([key.value, found.value]);
    return found !== null;
  });
  return isRead ? { value: Object.fromEntries(entries) } : null;
}

/** Entries with commas between them, up to `end`; the reader stands at what opens the list. */
function readList(reader: Reader, end: string, readEntry: () => boolean): boolean {
  reader.at += 1;
  for (;;) {
    skipBlanks(reader);
    if (reader.text[reader.at] === end) break;
    if (!readEntry()) return false;
    skipBlanks(reader);
    if (reader.text[reader.at] === end) break;
    if (take(reader, /,/y) === null) return false;
  }
  reader.at += 1;
  return true;
}

function readWord(reader: Reader): Read {
  const word = take(reader, /[^\s,\]}]+/y);
  if (word === 'true' || word === 'false') return { value: word === 'true' };
  if (word === null || !NUMBER.test(word)) return null;
  return { value: Number(word.replaceAll('_', '')) };
}

const NUMBER = /^[+-]?\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?$/;

function skipBlanks(reader: Reader): void {
  take(reader, /\s+/y);
}

/** What `pattern` (sticky) matches here; the reader goes behind it. */
function take(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? null;
  reader.at += found?.length ?? 0;
  return found;
}

/** The longest patch that is read, in UTF-16 units: 16 Mi. */
export const PATCH_LENGTH_MAX = 16 * 1024 * 1024;
/** How much of a line that is wrong is quoted back. */
const QUOTED_LENGTH_MAX = 120;

export type ChunkLine = Readonly<{ kind: 'context' | 'remove' | 'add'; text: string }>;

/** One place to change: `contexts` are lines to go to first, one after the other. `line` counts from 1 in the patch. */
export type Chunk = Readonly<{
  line: number;
  contexts: readonly string[];
  lines: readonly ChunkLine[];
  endOfFile: boolean;
}>;

/** What a patch does to one file; paths are as given. */
export type Operation =
  | Readonly<{ type: 'add'; line: number; path: string; lines: readonly string[] }>
  | Readonly<{ type: 'delete'; line: number; path: string }>
  | Readonly<{ type: 'update'; line: number; path: string; movedTo: string | null; chunks: readonly Chunk[] }>;

export type ParsedPatch =
  | Readonly<{ ok: true; operations: readonly Operation[] }>
  | Readonly<{ ok: false; message: string }>;

/** Reads the text of a patch; what is wrong with it is told with the line (from 1), what was expected and what came. */
export function parsePatch(text: string): ParsedPatch {
  if (text.length > PATCH_LENGTH_MAX) {
    return problem(`Expected a patch of at most ${PATCH_LENGTH_MAX} characters, got ${text.length}. Send it in parts.`);
  }
  if (!text.isWellFormed()) return problem('Expected well-formed Unicode, got text with half a surrogate pair.');
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const body = bodyOf(lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)));
  return 'message' in body ? problem(body.message) : parseBody(body);
}

type Body = Readonly<{ lines: readonly string[]; firstLine: number }>;
type Wrong = Readonly<{ message: string }>;

const HEREDOC = /^(?:apply_patch\s+)?<<-?\s*(['"]?)(\w+)\1$/;

/** What stands between the marks that begin and end a patch, a heredoc around them taken off. */
function bodyOf(lines: readonly string[]): Body | Wrong {
  const isBlank = (index: number) => lines[index]?.trim() === '';
  let first = 0;
  let last = lines.length - 1;
  const skipBlanks = () => {
    while (first < last && isBlank(first)) first += 1;
    while (last > first && isBlank(last)) last -= 1;
  };
  skipBlanks();
  const tag = HEREDOC.exec(lines[first]?.trim() ?? '')?.[2];
  if (tag !== undefined && first < last && lines[last]?.trim() === tag) {
    first += 1;
    last -= 1;
    skipBlanks();
  }
  if (lines[first]?.trim() !== '*** Begin Patch') {
    return wrong(first + 1, 'the first line to be `*** Begin Patch`', lines[first]);
  }
  if (last === first || lines[last]?.trim() !== '*** End Patch') {
    return wrong(last + 1, 'the last line to be `*** End Patch`', last === first ? undefined : lines[last]);
  }
  return { lines: lines.slice(first + 1, last), firstLine: first + 2 };
}

type ChunkDraft = { line: number; contexts: string[]; lines: ChunkLine[]; endOfFile: boolean; blanks: number };
type AddDraft = { type: 'add'; line: number; path: string; lines: string[]; ended: boolean };
type UpdateDraft = { type: 'update'; line: number; path: string; movedTo: string | null; chunks: ChunkDraft[] };
type Draft = AddDraft | UpdateDraft | { type: 'delete'; line: number; path: string };

function parseBody(body: Body): ParsedPatch {
  const drafts: Draft[] = [];
  for (const [index, text] of body.lines.entries()) {
    const trouble = takeLine(drafts, text, body.firstLine + index);
    if (trouble !== null) return problem(trouble.message);
  }
  if (drafts.length === 0) {
    return problem('Expected at least one file section between `*** Begin Patch` and `*** End Patch`, got none.');
  }
  const unfinished = drafts.map(lackOf).find((lack) => lack !== null);
  return unfinished ? problem(unfinished.message) : { ok: true, operations: drafts.map(finished) };
}

function takeLine(drafts: Draft[], text: string, line: number): Wrong | null {
  const draft = drafts.at(-1);
  if (draft?.type === 'update' && !isHeaderLine(draft, text)) return takeUpdateLine(draft, text, line);
  if (draft?.type === 'add' && text.startsWith('+')) return takeAddedLine(draft, text, line);
  if (text.trim() !== '') return takeHeader(drafts, text, line);
  if (draft?.type === 'add') draft.ended = true;
  return null;
}

const FILE_HEADER = /^\*\*\* (Add|Delete|Update) File:(.*)$/s;
const MOVE_HEADER = /^\*\*\* Move to:(.*)$/s;

/** Inside a chunk only `***` at the very beginning ends it: a line that begins with a blank is context there. */
function isHeaderLine(draft: UpdateDraft, text: string): boolean {
  if (text.trimEnd() === '*** End of File') return false;
  if (draft.chunks.length > 0 || text.startsWith('***')) return text.startsWith('***');
  return FILE_HEADER.test(text.trim()) || MOVE_HEADER.test(text.trim());
}

function takeAddedLine(draft: AddDraft, text: string, line: number): Wrong | null {
  if (draft.ended) {
    return wrong(
      line,
      'the lines of an added file in one piece (an empty one is a lone `+`)',
      'a blank line before this',
    );
  }
  draft.lines.push(text.slice(1));
  return null;
}

function takeHeader(drafts: Draft[], text: string, line: number): Wrong | null {
  const draft = drafts.at(-1);
  const move = MOVE_HEADER.exec(text.trim());
  if (move !== null && draft?.type === 'update' && draft.movedTo === null && draft.chunks.length === 0) {
    draft.movedTo = pathOf(move[1]);
    return draft.movedTo === '' ? wrong(line, 'a path after `*** Move to:`', undefined) : null;
  }
  const header = FILE_HEADER.exec(text.trim());
  if (header === null) {
    return wrong(line, '`*** Add File: `, `*** Delete File: ` or `*** Update File: ` and a path', text);
  }
  const path = pathOf(header[2]);
  if (path === '') return wrong(line, `a path after \`*** ${header[1]} File:\``, undefined);
  if (header[1] === 'Add') drafts.push({ type: 'add', line, path, lines: [], ended: false });
  else if (header[1] === 'Delete') drafts.push({ type: 'delete', line, path });
  else drafts.push({ type: 'update', line, path, movedTo: null, chunks: [] });
  return null;
}

/** A path as written, or as a JSON string, which can hold what a line cannot (a newline, blanks at the ends). */
function pathOf(rest: string | undefined): string {
  const written = rest?.trim() ?? '';
  if (!/^".*"$/s.test(written)) return written;
  try {
    const path: unknown = JSON.parse(written);
    return typeof path === 'string' ? path : written;
  } catch {
    return written;
  }
}

const KINDS = { ' ': 'context', '-': 'remove', '+': 'add' } as const;

function takeUpdateLine(draft: UpdateDraft, text: string, line: number): Wrong | null {
  const chunk = draft.chunks.at(-1);
  if (text.trimEnd() === '*** End of File') {
    if (chunk === undefined || chunk.lines.length === 0) return wrong(line, 'lines of a chunk before this', text);
    chunk.endOfFile = true;
    return null;
  }
  if (text.startsWith('@@')) return takeChunkHeader(draft, text, line);
  if (text === '' || (chunk?.endOfFile && text.trim() === '')) {
    // Blank lines between chunks mean nothing; inside a chunk one is a context line that lost its blank.
    if (chunk !== undefined) chunk.blanks += 1;
    return null;
  }
  const first = text.charAt(0);
  if (first !== ' ' && first !== '-' && first !== '+') {
    return wrong(line, 'a line that begins with a blank (kept), `-` (removed), `+` (added), or `@@`', text);
  }
  if (chunk?.endOfFile) return wrong(line, '`@@` or a file section after `*** End of File`', text);
  const open = chunk ?? openChunk(draft, line);
  for (; open.blanks > 0; open.blanks -= 1) open.lines.push({ kind: 'context', text: '' });
  open.lines.push({ kind: KINDS[first], text: text.slice(1) });
  return null;
}

function takeChunkHeader(draft: UpdateDraft, text: string, line: number): Wrong | null {
  const written = text.trimEnd();
  if (written !== '@@' && !written.startsWith('@@ ')) return wrong(line, '`@@` alone or `@@ ` and a line', text);
  const last = draft.chunks.at(-1);
  const stacks = last !== undefined && last.lines.length === 0 && last.contexts.length > 0;
  const chunk = stacks && written !== '@@' ? last : openChunk(draft, line);
  if (written !== '@@') chunk.contexts.push(written.slice(3));
  return null;
}

function openChunk(draft: UpdateDraft, line: number): ChunkDraft {
  const chunk: ChunkDraft = { line, contexts: [], lines: [], endOfFile: false, blanks: 0 };
  draft.chunks.push(chunk);
  return chunk;
}

function lackOf(draft: Draft): Wrong | null {
  if (draft.type !== 'update') return null;
  if (draft.chunks.length === 0 && draft.movedTo === null) {
    return wrong(draft.line, `changes to ${JSON.stringify(draft.path)} (\`@@\` and lines)`, undefined);
  }
  const empty = draft.chunks.find((chunk) => chunk.lines.length === 0);
  return empty === undefined ? null : wrong(empty.line, 'lines after `@@`', undefined);
}

function finished(draft: Draft): Operation {
  if (draft.type === 'delete') return draft;
  const { type, line, path } = draft;
  if (type === 'add') return { type, line, path, lines: draft.lines };
  const chunks = draft.chunks.map(({ blanks: _, ...chunk }) => chunk);
  return { type, line, path, movedTo: draft.movedTo, chunks };
}

function wrong(line: number, expected: string, got: string | undefined): Wrong {
  return {
    message: `Line ${line} of the patch: expected ${expected}, got ${got === undefined ? 'nothing' : quoted(got)}.`,
  };
}

function quoted(text: string): string {
  const cut = text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text;
  return `\`${cut}\``;
}

function problem(message: string): ParsedPatch {
  return { ok: false, message };
}

/** A simple command of plain words, and what joins it to the next one; a line feed counts as `;`. */
export type PlainCommand = Readonly<{ words: readonly string[]; joint: Joint | null }>;
export type Joint = '&&' | '||' | '|' | ';';

/**
 * The simple commands of a text for bash that is nothing but words and what joins them: unquoted text of a few harmless
 * ASCII characters, single quotes, and double quotes in which nothing is expanded, joined by `&&`, `||`, `|`, `;` and line
 * feeds. Null for anything else: expansions, globs, redirections, assignments, comments, keywords, control characters. In
 * doubt it is null. It looks at characters only, and is the second opinion to the grammar.
 */
export function rawCommands(text: string): readonly PlainCommand[] | null {
  if (UNSAFE_ANYWHERE.test(text)) return null;
  const commands: PlainCommand[] = [];
  let words: string[] = [];
  let word: Word | null = null;
  const piece = new RegExp(PIECE);
  // The end of the text ends a command as a line feed does.
  for (const found of [...piecesOf(text, piece), { joint: '\n' }]) {
    if (found === null) return null;
    if (found.part !== undefined) {
      word = joined(word, found.part);
      continue;
    }
    if (word !== null) {
      if (!isPlain(word, words)) return null;
      words.push(word.value);
      word = null;
    }
    if (found.joint === undefined) continue;
    if (words.length > 0) commands.push({ words, joint: jointOf(found.joint) });
    // Only line feeds may stand where there is no command: at the beginning, after each other, and after any joint.
    else if (found.joint !== '\n') return null;
    words = [];
  }
  const last = commands.at(-1);
  if (last === undefined) return commands;
  return last.joint === ';' ? [...commands.slice(0, -1), { ...last, joint: null }] : null;
}

/** Control, format, private, unassigned and surrogate characters, and separators but the plain blank and the line feed. */
const UNSAFE_ANYWHERE = /[^\P{C}\n]|\p{Zl}|\p{Zp}|[^\P{Zs} ]/u;

const PIECE = new RegExp(
  [
    '(?<blanks> +)',
    '(?<joint>\\n|;|&&|\\|\\|?)',
    '(?<bare>[A-Za-z0-9_./:,@%+=-]+)',
    // As in `HEAD~1` and `HEAD^`: within a word.
    '(?<late>(?<=[A-Za-z0-9_])[~^]+)',
    // Words of `[`: each is all there is between two blanks.
    '(?<bracket>(?<![^ \\n;|&])(?:\\[|\\]|!=?)(?![^ \\n;|&]))',
    "'(?<single>[^'\\n]*)'",
    // A backslash in double quotes is itself, unless it stands before what it would escape.
    '"(?<double>(?:[^"$`\\\\!\\n]|\\\\[^"$`\\\\!\\n])*)"',
  ].join('|'),
  'y',
);

/** What bash takes for the beginning of something else when it stands unquoted where a command begins. */
const KEYWORDS = new Set(
  'if then elif else fi case esac for select while until do done in function time coproc { } ! [[ ]]'.split(' '),
);

type Part = Readonly<{ bare: string } | { quoted: string }>;
type Piece = Readonly<{ part?: Part; joint?: string }>;

function* piecesOf(text: string, piece: RegExp): Generator<Piece | null> {
  while (piece.lastIndex < text.length) {
    const { joint, bare, late, bracket, single, double } = piece.exec(text)?.groups ?? NOTHING;
    const outside = bare ?? late ?? bracket;
    const inside = single ?? double;
    if (outside !== undefined) yield { part: { bare: outside } };
    else if (inside !== undefined) yield { part: { quoted: inside } };
    else yield piece.lastIndex === 0 ? null : joint === undefined ? {} : { joint };
    if (piece.lastIndex === 0) return;
  }
}

const NOTHING: Readonly<Record<string, string | undefined>> = {};

/** `bare`: what of it stands outside quotes; `quoted`: whether anything stands inside. */
type Word = Readonly<{ value: string; bare: string; quoted: boolean }>;

function joined(word: Word | null, part: Part): Word {
  const { value, bare, quoted } = word ?? { value: '', bare: '', quoted: false };
  return 'bare' in part
    ? { value: value + part.bare, bare: bare + part.bare, quoted }
    : { value: value + part.quoted, bare, quoted: true };
}

function isPlain({ value, bare, quoted }: Word, [first]: readonly string[]): boolean {
  // After `=` or `:` a tilde may be a home directory.
  if (bare.includes('~') && /[=:]/.test(value)) return false;
  if (BRACKET.test(bare)) return BRACKETED.has(first ?? value);
  return first !== undefined || (!value.includes('=') && (quoted || !KEYWORDS.has(value)));
}

/** These mean something to other commands, or to people who look for what a shell expands. */
const BRACKET = /[[\]!]/;
const BRACKETED = new Set(['[', 'test', 'find']);

function jointOf(joint: string): Joint {
  return joint === '&&' || joint === '||' || joint === '|' ? joint : ';';
}

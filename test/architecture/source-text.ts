/** A source with what is not code blanked out by spaces, so that places stay the same. Lines stay lines. */
export type SourceText = Readonly<{ withoutComments: string; codeOnly: string }>;

/** What a module imports. `names` are those between the braces (or `*`, or `default`); `line` counts from 1. */
export type Import = Readonly<{ specifier: string; typeOnly: boolean; names: readonly string[]; line: number }>;

/** The imports, re-exports and dynamic imports of a module; what stands in comments and strings is none. */
export function importsOf(text: string): Import[] {
  const { withoutComments, codeOnly } = sourceText(text);
  const found: (Import & { at: number })[] = [];
  for (const match of withoutComments.matchAll(STATIC_IMPORT)) {
    const { index } = match;
    if (codeOnly[index] === ' ') continue;
    const { type, clause = '', specifier = '' } = match.groups ?? {};
    found.push({
      at: index,
      specifier,
      typeOnly: type !== undefined,
      names: namesOf(clause),
      line: lineOf(text, index),
    });
  }
  for (const match of withoutComments.matchAll(DYNAMIC_IMPORT)) {
    const { index } = match;
    if (codeOnly[index] === ' ') continue;
    const { typeOf, specifier = '', member } = match.groups ?? {};
    const typeOnly = typeOf !== undefined || (member !== undefined && !['then', 'catch', 'finally'].includes(member));
    found.push({ at: index, specifier, typeOnly, names: ['*'], line: lineOf(text, index) });
  }
  return found.sort((a, b) => a.at - b.at).map(({ at: _, ...found }) => found);
}

/** The line of a place in a text, counted from 1. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

const STATIC_IMPORT =
  /(?<![\w$.])(?:import|export)\s+(?<type>type\s+(?!from\b))?(?:(?<clause>[\w$*\s{},]+?)\s*\bfrom\s*)?(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g;

const DYNAMIC_IMPORT =
  /(?<typeOf>\btypeof\s+)?(?<![\w$.])import\s*\(\s*(?<quote>['"`])(?<specifier>[^'"`\n]+)\k<quote>\s*\)(?:\s*\.\s*(?<member>\w+))?/g;

function namesOf(clause: string): string[] {
  const [before = '', braces = ''] = clause.split('{');
  const outside = before.split(',').map((name) => name.trim());
  return [
    ...outside.filter((name) => name !== '').map((name) => (name.startsWith('*') ? '*' : 'default')),
    ...braces
      .replace('}', '')
      .split(',')
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type\s+/, '')
            .split(/\s+as\s+/)[0] ?? '',
      )
      .filter((name) => name !== ''),
  ];
}

/** Blanks comments in both texts, and in `codeOnly` what strings, templates and regular expressions hold, too. */
export function sourceText(text: string): SourceText {
  const kinds = new Array<Kind>(text.length).fill('code');
  const mark = (from: number, to: number, kind: Kind) => kinds.fill(kind, from, to);
  /** For each open `${`, how many braces are open in it. */
  const templates: number[] = [];
  let at = 0;
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at] ?? '';
    let end = at + 1;
    if (two === '//' || two === '/*') {
      end = endOf(text, two === '//' ? '\n' : '*/', at + 2) + (two === '//' ? 0 : 2);
      mark(at, end, 'comment');
    } else if (one === "'" || one === '"') {
      end = afterString(text, at);
      mark(at + 1, end - 1, 'string');
    } else if (one === '`' || (one === '}' && templates.at(-1) === 0)) {
      if (one === '}') templates.pop();
      end = afterTemplatePart(text, at);
      const opens = text.slice(end - 2, end) === '${';
      mark(at + 1, end - (opens ? 2 : 1), 'string');
      if (opens) templates.push(0);
    } else if (one === '/' && startsPattern(text, kinds, at)) {
      end = afterPattern(text, at);
      mark(at + 1, end - 1, 'string');
    } else if (one === '{' || one === '}') {
      const depth = templates.at(-1);
      if (depth !== undefined) templates[templates.length - 1] = depth + (one === '{' ? 1 : -1);
    }
    at = Math.max(end, at + 1);
  }
  const without = (...hidden: Kind[]) =>
    Array.from({ length: text.length }, (_, place) => {
      const character = text[place] ?? '';
      return hidden.includes(kinds[place] ?? 'code') && character !== '\n' ? ' ' : character;
    }).join('');
  return { withoutComments: without('comment'), codeOnly: without('comment', 'string') };
}

type Kind = 'code' | 'comment' | 'string';

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? text.length : found;
}

function afterString(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text[end] !== text[at] && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}

/** Behind the closing back-tick, or behind the `${` that opens an expression. */
function afterTemplatePart(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text[end] !== '`') {
    if (text.startsWith('${', end)) return end + 2;
    end += text[end] === '\\' ? 2 : 1;
  }
  return end + 1;
}

/** Whether a slash begins a regular expression: where a value may stand, and closed on its line. */
function startsPattern(text: string, kinds: readonly Kind[], at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (kinds[before] === 'comment' || /\s/.test(text[before] ?? ''))) before -= 1;
  const character = text[before];
  if (character === undefined || '(,=:[!&|?{};+-*%<>~^'.includes(character)) return afterPattern(text, at) > at + 2;
  const word = /[\w$]+$/.exec(text.slice(0, before + 1))?.[0] ?? '';
  return ['return', 'typeof', 'case', 'in', 'of', 'delete', 'void', 'throw', 'await', 'yield'].includes(word);
}

/** Behind the closing slash; the place itself when there is none on the line. */
function afterPattern(text: string, at: number): number {
  let inClass = false;
  for (let end = at + 1; end < text.length && text[end] !== '\n'; end += 1) {
    if (text[end] === '\\') end += 1;
    else if (text[end] === '[') inClass = true;
    else if (text[end] === ']') inClass = false;
    else if (text[end] === '/' && !inClass) return end + 1;
  }
  return at;
}

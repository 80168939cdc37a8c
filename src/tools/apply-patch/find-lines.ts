/** Finds `wanted` in a row from line `from` (0-based) on; `endOfFile` tries the end first. Null when it is not there. */
export type FindLines = (wanted: readonly string[], from: number, endOfFile: boolean) => number | null;

/** What is overlooked when lines are compared, from nothing to most; a later pass is only tried when an earlier fails. */
const PASSES: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  (line) => plainTypography(line.trim()),
];

/** A search over the lines of one file; each pass is linear in the file and in what is wanted. */
export function lineFinder(lines: readonly string[]): FindLines {
  const views = new Map<number, readonly string[]>([[0, lines]]);
  const viewOf = (pass: number, soften: (line: string) => string) => {
    const view = views.get(pass) ?? lines.map(soften);
    views.set(pass, view);
    return view;
  };
  return (wanted, from, endOfFile) => {
    if (wanted.length > lines.length - from) return null;
    const starts = endOfFile ? [lines.length - wanted.length, from] : [from];
    for (const start of starts) {
      for (const [pass, soften] of PASSES.entries()) {
        const found = indexOfRow(viewOf(pass, soften), wanted.map(soften), start);
        if (found !== null) return found;
      }
    }
    return null;
  };
}

/** Knuth, Morris and Pratt's search, so that repetitive text costs no more than any other. */
function indexOfRow(lines: readonly string[], wanted: readonly string[], from: number): number | null {
  if (wanted.length === 0) return from;
  const fallbacks = fallbacksOf(wanted);
  let matched = 0;
  for (let index = from; index < lines.length; index += 1) {
    while (matched > 0 && lines[index] !== wanted[matched]) matched = fallbacks[matched - 1] ?? 0;
    if (lines[index] === wanted[matched]) matched += 1;
    if (matched === wanted.length) return index - matched + 1;
  }
  return null;
}

/** For each beginning of `wanted`: how long its longest proper beginning is that is also its end. */
function fallbacksOf(wanted: readonly string[]): readonly number[] {
  const fallbacks = [0];
  let matched = 0;
  for (let index = 1; index < wanted.length; index += 1) {
    while (matched > 0 && wanted[index] !== wanted[matched]) matched = fallbacks[matched - 1] ?? 0;
    if (wanted[index] === wanted[matched]) matched += 1;
    fallbacks.push(matched);
  }
  return fallbacks;
}

function plainTypography(line: string): string {
  return line
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u2018-\u201B]/g, "'")
    .replace(/[\u201C-\u201F]/g, '"')
    .replace(/[\u00A0\u2002-\u200A\u202F\u205F\u3000]/g, ' ');
}

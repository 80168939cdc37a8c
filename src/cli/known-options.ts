/** An option as far as words on a command line must be told apart: its names, and whether a value comes with it. */
export type KnownOption = Readonly<{ names: readonly string[]; takesValue: boolean }>;

/** A command line with the command first, and without the options that are not known. */
export type SortedArguments = Readonly<{ argv: readonly string[]; isJson: boolean; unknown: readonly string[] }>;

const JSON_NAMES: readonly string[] = ['--json', '--experimental-json'];

/**
 * Sorts the words of `exec`: options may also stand before the command, and those that are not known are left out, with
 * the word that follows where it may be their value. Null where this is not a command line of `exec`.
 */
export function sortArguments(words: readonly string[], options: readonly KnownOption[]): SortedArguments | null {
  const kept: string[] = [];
  const unknown: string[] = [];
  let command: string | null = null;
  let isJson = false;
  let at = 0;
  for (; at < words.length && words[at] !== '--'; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') {
      if (command === null) command = word;
      else kept.push(word);
      continue;
    }
    const [name = word, attached] = word.startsWith('--') ? word.split(/=(.*)/s, 2) : [word];
    isJson ||= JSON_NAMES.includes(name);
    const option = options.find(({ names }) => names.includes(name));
    const next = words[at + 1];
    if (option !== undefined) {
      kept.push(word);
      if (!option.takesValue || attached !== undefined || next === undefined) continue;
      kept.push(next);
      at += 1;
    } else if (hasShortName(word, options)) kept.push(word);
    else {
      unknown.push(word);
      if (attached !== undefined || next === undefined || /^-|^(?:exec|resume)$/.test(next)) continue;
      unknown.push(next);
      at += 1;
    }
  }
  return command === 'exec' ? { argv: [command, ...kept, ...words.slice(at)], isJson, unknown } : null;
}

/** Whether it is an option of one letter, with its value or with others behind it. */
function hasShortName(word: string, options: readonly KnownOption[]): boolean {
  return !word.startsWith('--') && options.some(({ names }) => names.includes(word.slice(0, 2)));
}

/** A word of a command as far as it can be read without running anything; null where it is computed. */
export type LooseWord = string | null;

/** What a program is called, without the directories before it: `/usr/bin/../bin/rm` is `rm`, and so is `RM`, which some disks have. */
export function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1).toLowerCase();
}

/** Whether one of the words is this long option, abbreviated or with a value. Words after `--` are none. */
export function hasLong(words: readonly LooseWord[], ...names: readonly string[]): boolean {
  return options(words).some((word) => {
    const [given = ''] = word.split('=');
    return given.length > 2 && names.some((name) => `--${name}`.startsWith(given));
  });
}

/** Whether one of the letters is among the joined short options. */
export function hasLetter(words: readonly LooseWord[], letters: string): boolean {
  return options(words).some((word) => /^-[^-]/.test(word) && [...letters].some((letter) => word.includes(letter)));
}

/** Whether something computed could be one of the options. */
export function hasComputed(words: readonly LooseWord[]): boolean {
  return words.includes(null);
}

/** The words that are no options; null for those that are computed. */
export function operandsOf(words: readonly LooseWord[]): readonly LooseWord[] {
  const end = words.indexOf('--');
  const before = end < 0 ? words : words.slice(0, end);
  return [...before.filter((word) => word === null || !isOption(word)), ...(end < 0 ? [] : words.slice(end + 1))];
}

export function isOption(word: string): boolean {
  return word.startsWith('-') && word !== '-';
}

function options(words: readonly LooseWord[]): readonly string[] {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).filter((word) => word !== null && isOption(word)) as string[]; // No null passes.
}

/** A part of what a user says. `image` holds a URL (also a data URL), `local-image` a path on this machine. */
export type InputPart =
  | Readonly<{ type: 'text'; text: string }>
  | Readonly<{ type: 'image'; url: string }>
  | Readonly<{ type: 'local-image'; path: string }>;

/** What a user says: a string, or parts. */
export type UserInput = string | readonly InputPart[];

export function inputParts(input: UserInput): readonly InputPart[] {
  return typeof input === 'string' ? [{ type: 'text', text: input }] : input;
}

export function inputText(input: UserInput): string {
  return inputParts(input)
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n');
}

/** A piece of a command as the grammar of bash sees it. `text` is how it stands in the command; nothing is expanded. */
export type BashNode = Readonly<{
  type: string;
  text: string;
  /** False for what is only punctuation: `&&`, `;`, a quote. */
  named: boolean;
  children: readonly BashNode[];
}>;

/** Reads commands by the real grammar of bash. Where it could not be loaded, `why` says so in a sentence for people. */
export type BashGrammar =
  | Readonly<{
      status: 'ready';
      /** The whole command as a tree; null when it is no bash, or too long or too deep to be judged. */
      parse(command: string): BashNode | null;
    }>
  | Readonly<{ status: 'missing'; why: string }>;

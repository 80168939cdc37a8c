/** What sessions may use in all. What is left out is not limited. */
export type Budget = Readonly<{
  tokens?: number;
  /** In US dollars; needs `prices` for the models used. */
  usd?: number;
  /** From the opening of the session that it is for, in ms. */
  wallMs?: number;
  /** Sub-sessions ever opened. */
  spawns?: number;
}>;

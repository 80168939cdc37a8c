import type { BashGrammar } from './bash-grammar.ts';
import type { CommandRules, ResolveProgram } from './rules.ts';

/** Where the programs of a command that nobody is asked about are found: `path` is the PATH it must then be given. */
export type Programs = Readonly<{ path: readonly string[]; resolve: ResolveProgram }>;

/** Those of a machine that is not this one: any program may be there, and is where systems have them. */
export const systemPrograms: Programs = { path: ['/usr/bin', '/bin'], resolve: (name) => `/usr/bin/${name}` };

/** What commands are judged by, as far as it is outside: it is asked for with each command, and may keep what it found. */
export type PolicyPorts = Readonly<{
  /** Never rejects. */
  grammar(): Promise<BashGrammar>;
  programs(workspace: string): Programs;
  rules(): Promise<CommandRules>;
}>;

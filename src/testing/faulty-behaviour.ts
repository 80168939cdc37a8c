import type { ProcessSpec } from '../process/port.ts';
import type { FaultOf } from './faults.ts';
import type { CommandBehaviour, OutputPiece } from './simulated-proc.ts';

/** What comes again and again of a command whose output does not end: little and slowly, so that time ends it, and not its size. */
const ENDLESS: OutputPiece = { text: 'again\n', afterMs: 2_000 };

/** The first two of the three bytes of a character. */
const HALF_A_CHARACTER = Uint8Array.of(0xe2, 0x82);

/** How long output is held at most before a real machine lets go of it, in ms. */
const HELD_MS = 1_000;

/** What a command does that was to do something else, with which this goes wrong. */
export function faultyBehaviour(
  intended: CommandBehaviour,
  how: FaultOf<'processes'>['how'],
  { graceMs }: Pick<ProcessSpec, 'graceMs'>,
): CommandBehaviour {
  const { output = [] } = intended;
  switch (how) {
    case 'is-killed':
      return { ...intended, output: output.slice(0, Math.ceil(output.length / 2)), exitSignal: 'SIGKILL' };
    case 'never-exits':
      return { ...intended, exitCode: null };
    case 'endless-output':
      return { ...intended, output: [...output, ENDLESS], repeats: true };
    case 'cut-character':
      return { ...intended, output: [...output, HALF_A_CHARACTER] };
    case 'exits-in-grace':
      return { ...intended, exitCode: null, onTerm: { exitCode: 0, afterMs: Math.max(0, graceMs - 1) } };
    case 'ignores-term':
      return { ...intended, exitCode: null, onTerm: 'ignored' };
    case 'ignores-kill':
      return { ...intended, exitCode: null, onTerm: 'ignored', onKill: 'ignored' };
    case 'holds-output':
      return { ...intended, outputHeldMs: HELD_MS };
    default:
      // Those who are not started do nothing.
      return intended;
  }
}

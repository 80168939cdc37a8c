import { basename } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import { CONTAINER_ARGUMENTS, FILTER_DESCRIPTOR, sandboxArguments } from './bubblewrap-arguments.ts';
import { limitingWords } from './command-limits.ts';
import { EXIT_NOT_EXECUTABLE } from './exit-codes.ts';
import { changedLinks } from './guarded-links.ts';
import type { Confinement, Containment, ProcessSpec, SandboxProfile } from './port.ts';
import { SEATBELT, seatbeltArguments } from './seatbelt.ts';
import { systemCallFilter } from './seccomp.ts';
import type { Refusal, Wrapping } from './start.ts';

/** How a command will be confined; `wrapping` is null for one that is not. `leave` is called once it has ended, and tells what was wrong. */
export type Enclosed = Readonly<{ wrapping: Wrapping | null; leave(): readonly string[] }>;

const FREE: Enclosed = { wrapping: null, leave: () => [] };
const UNCONFINED: Confinement = { type: 'none' };

/** Makes ready what a command asks for; a sandbox that is not to be had is a refusal, never less than a sandbox. */
export function enclose(
  spec: ProcessSpec,
  { sandbox, container, why }: Containment,
  program: string | null,
): Enclosed | Readonly<{ refusal: Refusal }> {
  const confinement = spec.confinement ?? UNCONFINED;
  switch (confinement.type) {
    case 'none':
      return FREE;
    case 'container':
      if (!container || program === null) return FREE;
      return { wrapping: wrapInContainer(spec, program), leave: () => [] };
    case 'sandbox': {
      if (!sandbox || program === null) return refused(why ?? 'there is no sandbox here.');
      if (basename(program) === SEATBELT)
        return { wrapping: wrapInSeatbelt(spec, program, confinement.profile), leave: () => [] };
      try {
        const { arguments: words, links, leave } = sandboxArguments(confinement.profile);
        return {
          wrapping: wrapInSandbox(spec, program, words),
          leave() {
            leave();
            return changedLinks(links);
          },
        };
      } catch (error) {
        return refused(`${messageOf(error)}.`);
      }
    }
    default:
      return confinement satisfies never;
  }
}

/** Programs look for their temporary directory in these. */
const TEMPORARY_NAMES = ['TMPDIR', 'TMP', 'TEMP'];

function wrapInSandbox({ argv, cwd, env }: ProcessSpec, bubblewrap: string, words: readonly string[]): Wrapping {
  const filtered = FILTER === null ? [] : ['--seccomp', String(FILTER_DESCRIPTOR)];
  const moved = TEMPORARY_NAMES.filter((name) => name in env);
  return {
    argv: [bubblewrap, ...words, ...filtered, '--chdir', cwd, '--', ...limitingWords(), ...argv],
    env: Object.fromEntries(moved.map((name) => [name, '/tmp'])),
    filter: FILTER,
    isLimited: true,
    isContainer: true,
  };
}

/** Killed as a group, and by its marker: what it starts can outlive it as without a sandbox. */
function wrapInSeatbelt({ argv }: ProcessSpec, program: string, profile: SandboxProfile): Wrapping {
  const words = [program, ...seatbeltArguments(profile), ...argv];
  return { argv: words, env: {}, filter: null, isLimited: false, isContainer: false };
}

function wrapInContainer({ argv, cwd }: ProcessSpec, bubblewrap: string): Wrapping {
  return {
    argv: [bubblewrap, ...CONTAINER_ARGUMENTS, '--chdir', cwd, '--', ...argv],
    env: {},
    filter: null,
    isLimited: false,
    isContainer: true,
  };
}

const FILTER = systemCallFilter(process.arch);

function refused(why: string): { refusal: Refusal } {
  return {
    refusal: {
      exitCode: EXIT_NOT_EXECUTABLE,
      error: `The command was not run, because it would not be confined: ${why}`,
    },
  };
}

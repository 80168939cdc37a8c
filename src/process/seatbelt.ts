import type { SandboxProfile } from './port.ts';

/** What macOS has to confine a command, by its name. */
export const SEATBELT = 'sandbox-exec';

/** Where macOS keeps temporary files, links resolved: all commands share them. */
const TEMPORARY = ['/private/tmp', '/private/var/tmp', '/private/var/folders'];
const DEVICES = [
  '/dev/null',
  '/dev/zero',
  '/dev/random',
  '/dev/urandom',
  '/dev/tty',
  '/dev/stdout',
  '/dev/stderr',
  '/dev/fd',
];

/**
 * The arguments of `sandbox-exec` that give a command this profile. Of two rules that fit, the later one counts. It holds back
 * files and the network; processes are not in a container, and temporary directories are those of everybody.
 */
export function seatbeltArguments(profile: SandboxProfile): readonly string[] {
  return ['-p', seatbeltRules(profile)];
}

/** The profile in the language of the sandbox of macOS. */
export function seatbeltRules({ writableRoots, protectedNames, hidden, visible, network }: SandboxProfile): string {
  const mayWrite = [...writableRoots, ...(writableRoots.length === 0 ? [] : TEMPORARY), ...DEVICES];
  const names = protectedNames.map(pattern).join('|');
  return [
    '(version 1)',
    '(allow default)',
    '(deny file-write*)',
    ...mayWrite.map((path) => `(allow file-write* (subpath ${quoted(path)}))`),
    // Whether it is there or not, at any depth, and with all that is in it.
    ...writableRoots.map((root) => `(deny file-write* (regex #"^${pattern(root)}/(.*/)?(${names})(/|$)"))`),
    ...hidden.map((path) => `(deny file-read* file-write* (subpath ${quoted(path)}))`),
    ...visible
      .filter((path) => hidden.some((place) => path.startsWith(`${place}/`)))
      .map((path) => `(allow file-read* (subpath ${quoted(path)}))`),
    ...(network ? [] : ['(deny network*)']),
    '(deny mach-priv-host-port)',
    '(deny process-info* (target others))',
    '(deny signal (target others))',
    '(allow signal (target same-sandbox))',
  ].join('\n');
}

function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}

/** A text that an expression takes word for word. The expression stands in quotes itself. */
function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('"', '\\"');
}

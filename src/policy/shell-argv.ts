/** What runs a command of the model: a shell that reads no file of its own, so that only the command decides. */
export function shellArgv(command: string): readonly string[] {
  return ['bash', '--noprofile', '--norc', '-c', command];
}

import { homedir } from 'node:os';
import { join } from 'node:path';

/** `TROUPE_HOME`, else the XDG state directory (https://specifications.freedesktop.org/basedir-spec/). */
export function defaultHome(): string {
  const { TROUPE_HOME, XDG_STATE_HOME } = process.env;
  if (TROUPE_HOME !== undefined && TROUPE_HOME !== '') return TROUPE_HOME;
  return join(
    XDG_STATE_HOME !== undefined && XDG_STATE_HOME !== '' ? XDG_STATE_HOME : join(homedir(), '.local', 'state'),
    'troupe',
  );
}

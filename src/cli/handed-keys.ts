import { closeSync, readFileSync } from 'node:fs';

/** Names the descriptor on which `bin/troupe` hands over keys. */
const DESCRIPTOR_NAME = 'TROUPE_KEYS_DESCRIPTOR';

/**
 * Takes the keys that `bin/troupe` hands over by a descriptor, and closes it: what a process has in its environment when it
 * starts can be read in /proc as long as it runs, whatever it does to its variables.
 */
export function takeHandedKeys(env: NodeJS.ProcessEnv): void {
  const descriptor = Number(env[DESCRIPTOR_NAME]);
  delete env[DESCRIPTOR_NAME];
  if (!Number.isInteger(descriptor) || descriptor <= 2) return;
  try {
    for (const line of readFileSync(descriptor, 'utf8').split('\n')) {
      const [, name, value] = /^([A-Z_]+_API_KEY)=(.+)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) env[name] = value;
    }
    closeSync(descriptor);
  } catch {
    // Nothing was handed over: then a key is missing, and that is said where it is needed.
  }
}

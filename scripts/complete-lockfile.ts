// npm leaves out of the lock file those optional platform packages that a registry mirror does not have, and then
// `npm ci` refuses its own file (npm/cli#9846). This writes the missing entries from what the parent package declares.
import { readFileSync, writeFileSync } from 'node:fs';

type Entry = { version?: string; optionalDependencies?: Record<string, string>; dev?: boolean; [key: string]: unknown };

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> };
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const platform = /-(darwin|linux|win32|android|freebsd|openbsd|netbsd)-(\w+?)(-musl)?$/.exec(name);
    if (lock.packages[key]?.version !== undefined || platform === null) continue;
    const [, os, cpu, musl] = platform;
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(entry.dev === true ? { dev: true } : {}),
      ...(os === 'linux' ? { libc: [musl === undefined ? 'glibc' : 'musl'] } : {}),
      optional: true,
      os: [os],
    };
    console.log(`added ${name} ${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);

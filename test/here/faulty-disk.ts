import type { FileHandle } from 'node:fs/promises';

/** What happens at the n-th operation, counted from 1 over all that is asked of the disk: an error, half a write, or the end. */
export type DiskFault = Readonly<{ n: number; how: 'ENOSPC' | 'EIO' | 'EROFS' | 'EMFILE' | 'short' | 'crash' }>;

/** The one disk of a test. */
export const disk: { fault: DiskFault | null; operations: string[]; hit: string | null; isOff: boolean } = {
  fault: null,
  operations: [],
  hit: null,
  isOff: false,
};

/** The disk works again, or fails once more; what was counted is forgotten. */
export function setDisk(fault: DiskFault | null): void {
  Object.assign(disk, { fault, operations: [], hit: null, isOff: false });
}

type Files = typeof import('node:fs/promises');

const CALLS = ['mkdir', 'lstat', 'stat', 'link', 'unlink', 'readFile', 'readdir', 'rename', 'rm', 'writeFile'] as const;
const OF_HANDLES: ReadonlySet<PropertyKey> = new Set([
  'read',
  'write',
  'writeFile',
  'sync',
  'datasync',
  'stat',
  'truncate',
  'close',
]);

type Call = (...given: unknown[]) => Promise<unknown>;

/** Node's files on that disk. */
export function faulty(files: Files): Files {
  const wrapped = CALLS.map((name) => [name, around(name, files[name] as Call)]); // They are called as they are.
  const open = around('open', files.open as Call);
  return {
    ...files,
    ...Object.fromEntries(wrapped),
    open: async (...given: unknown[]) => handleOf((await open(...given)) as FileHandle), // What `open` gives.
  } as Files;
}

function handleOf(handle: FileHandle): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as Call;
      if (!OF_HANDLES.has(name)) return call;
      // A handle of a machine that is off is let go of all the same: the test has to live with it.
      if (name === 'close') return around('close', call, call);
      if (name !== 'write' && name !== 'writeFile') return around(String(name), call);
      return around(String(name), call, ([bytes]) =>
        target.write((bytes as Uint8Array).subarray(0, bytes === undefined ? 0 : (bytes as Uint8Array).length / 2)),
      );
    },
  });
}

/** `half` is what is still done when it is the one that fails. */
function around(name: string, call: Call, half?: (given: readonly unknown[]) => Promise<unknown>): Call {
  return async (...given) => {
    if (disk.isOff) {
      if (name === 'close') await half?.(given);
      throw failure('EIO', `${name} of a machine that is off`);
    }
    disk.operations.push(name);
    const { fault } = disk;
    if (fault === null || disk.operations.length !== fault.n) return call(...given);
    disk.hit = name;
    if (fault.how === 'short') return name === 'write' && half !== undefined ? half(given) : call(...given);
    const isBytes = given[0] instanceof Uint8Array || name === 'close';
    if (isBytes) await half?.(given);
    disk.isOff = fault.how === 'crash';
    throw failure(fault.how === 'crash' ? 'EIO' : fault.how, `${name}, operation ${fault.n} of the disk`);
  };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

import type { Readable } from 'node:stream';
import type { Identity } from './process-table.ts';

/** What bubblewrap tells about the command that it contains (`--json-status-fd`, bwrap(1)). */
export interface ContainerStatus {
  /** The first process of the container, once there is one. */
  init(): Identity | null;
  /** Whether the command itself was executed and has ended. */
  hasRun(): boolean;
  /** Resolves when nothing more will be told. */
  readonly told: Promise<void>;
  close(): void;
}

/** A line is some 250 characters long; there are two. */
const STATUS_MAX_CHARACTERS = 4_096;

/** Follows what is told on `stream`. A process that has ended by the time it is told of is none. */
export function followStatus(stream: Readable, startTime: (pid: number) => number | null): ContainerStatus {
  let init: Identity | null = null;
  let run = false;
  let text = '';
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const read = (line: string) => {
    const pid = /"child-pid": (\d+)/.exec(line)?.[1];
    if (pid !== undefined) {
      const began = startTime(Number(pid));
      init = began === null ? null : { pid: Number(pid), startTime: began };
    }
    run ||= line.includes('"exit-code"');
  };
  stream.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString('latin1')).slice(0, STATUS_MAX_CHARACTERS).split('\n');
    text = lines.pop() as string; // A split gives one at least.
    lines.forEach(read);
  });
  stream.on('close', resolve);
  stream.on('error', () => {}); // A pipe that breaks has ended; 'close' follows.
  return { init: () => init, hasRun: () => run, told, close: () => stream.destroy() };
}

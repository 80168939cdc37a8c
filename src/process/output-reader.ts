import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import { createCapture } from './capture.ts';
import { createDeadline } from './deadline.ts';
import type { CapturedOutput, ProcessSpec } from './port.ts';
import { unfinishedTail } from './utf8-boundary.ts';

/** A command that has ended has said all it will when nothing has come for this long. */
export const DRAIN_IDLE_MS = 100;
/** How long output is waited for after a command has ended, however much still comes. */
export const DRAIN_MAX_MS = 1_000;

/** What reads the output of one command. */
export interface OutputReader {
  /** Resolves when every stream has ended, when nothing comes any more, or after the bound; never waits longer. */
  drained(): Promise<void>;
  /** Stops reading and lets go of the pipes, whoever holds their other ends. */
  close(): CapturedOutput;
}

/** Reads `streams` as data comes. `onLimit` is called once, when there was more than `spec.outputMaxBytes`. */
export function readOutput(
  streams: readonly Readable[],
  spec: Pick<ProcessSpec, 'keepBytes' | 'outputMaxBytes' | 'onOutput'>,
  clock: Clock,
  onLimit: () => void,
): OutputReader {
  const capture = createCapture(spec.keepBytes);
  const tell = tellSafely(spec.onOutput);
  const open = new Set(streams);
  let totalBytes = 0;
  let limitReached = false;
  let onArrival = () => {};
  let onEnd = () => {};

  const keep = (bytes: Buffer) => {
    capture.write(bytes);
    tell(bytes);
  };
  const joiners = streams.map((stream) => {
    const joiner = createJoiner(keep);
    stream.on('data', (chunk: Buffer) => {
      totalBytes += chunk.length;
      joiner.write(chunk);
      onArrival();
      if (totalBytes > spec.outputMaxBytes && !limitReached) {
        limitReached = true;
        onLimit();
      }
    });
    const finish = () => {
      open.delete(stream);
      if (open.size === 0) onEnd();
    };
    stream.on('end', finish);
    stream.on('close', finish);
    // A pipe that breaks has ended; 'close' follows.
    stream.on('error', () => {});
    return joiner;
  });

  return {
    drained() {
      if (open.size === 0) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const bound = createDeadline(clock);
      bound.within(DRAIN_MAX_MS);
      let arrivals = 0;
      let waiting = true;
      const waitForSilence = () => {
        const before = arrivals;
        return clock.setTimeout(() => {
          // Timers come before input when the process was busy: what has arrived meanwhile is read first.
          setImmediate(() => {
            if (arrivals === before) resolve();
            else if (waiting) idle = waitForSilence();
          });
        }, DRAIN_IDLE_MS);
      };
      let idle = waitForSilence();
      onArrival = () => {
        arrivals += 1;
      };
      onEnd = resolve;
      return Promise.race([promise, bound.reached]).finally(() => {
        waiting = false;
        onArrival = () => {};
        onEnd = () => {};
        clock.clearTimeout(idle);
        bound.cancel();
      });
    },
    close() {
      for (const stream of streams) stream.destroy();
      for (const joiner of joiners) joiner.finish();
      return capture.read();
    },
  };
}

/** Passes bytes on so that no piece ends inside a character: what two streams write may then be mixed. */
function createJoiner(pass: (bytes: Buffer) => void) {
  let held: Buffer = Buffer.alloc(0);
  return {
    write(chunk: Buffer): void {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const whole = bytes.length - unfinishedTail(bytes);
      held = Buffer.from(bytes.subarray(whole));
      if (whole > 0) pass(bytes.subarray(0, whole));
    },
    finish(): void {
      if (held.length > 0) pass(held);
      held = Buffer.alloc(0);
    },
  };
}

/** A listener that throws is told nothing more: what happens to a command does not depend on who watches it. */
function tellSafely(listener: ((text: string) => void) | undefined): (bytes: Buffer) => void {
  let listening = listener;
  return (bytes) => {
    if (listening === undefined) return;
    const text = bytes.toString();
    try {
      listening(text);
    } catch {
      listening = undefined;
    }
  };
}

import type { ProcessEnd } from '../../src/process/port.ts';

/** How a command ended that said nothing and exited with 0, but for what is given. */
export function processEnd(more: Partial<ProcessEnd>): ProcessEnd {
  return {
    status: 'exited',
    exitCode: 0,
    signal: null,
    output: outputOf(''),
    error: null,
    durationMs: 1,
    killed: null,
    ...more,
  };
}

export function outputOf(text: string): ProcessEnd['output'] {
  return { text, totalBytes: text.length, truncated: false };
}

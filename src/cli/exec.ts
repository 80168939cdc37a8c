import { resolve } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import { systemIds } from '../runtime/ids.ts';
import { createExecReport, type ExecFormat } from './exec-report.ts';
import { type ExecRequestOptions, readExecRequest } from './exec-request.ts';
import type { Stopping } from './exec-session.ts';
import { watchSignals } from './signals.ts';
import { createAsker, paintFor } from './terminal.ts';

export type ExecOptions = ExecRequestOptions &
  Readonly<{ format: ExecFormat; outputLastMessage?: string; inspect?: boolean }>;

/**
 * Runs one task in a new session, and gives the exit code. Throws `TroupeError` for what cannot work. A new session has its
 * name, and is told of, as soon as what is asked for is known to make sense; what runs it is loaded after that.
 */
export async function exec(words: readonly string[], options: ExecOptions): Promise<number> {
  const { env, stdin, stdout, stderr } = process;
  const paint = paintFor(stderr, env);
  const asker = options.format === 'text' && stdin.isTTY && stderr.isTTY ? createAsker(stdin, stderr, paint) : null;
  const report = createExecReport(options.format, {
    answer: (shown) => stdout.write(shown),
    beside: (shown) => stderr.write(shown),
    isOneScreen: stdout.isTTY === true && stderr.isTTY === true,
    isAsking: asker !== null,
    view: { paint, cwd: resolve(options.directory) },
  });
  const beginning = new AbortController();
  const stopping: Stopping = { stop: () => beginning.abort(), close: async () => beginning.abort() };
  const signals = watchSignals({
    interrupt: (signal) => stopping.stop(`${signal}: what runs is stopped (once more: close at once)`),
    close: () => stopping.close(),
  });
  // A reader that is gone before there is a session has missed nothing.
  for (const output of [stdout, stderr]) output.on('error', () => {});
  try {
    const request = await readExecRequest(words, options, (text) => report.note('note', text), beginning.signal);
    const newId = request.resume === null ? systemIds().next() : null;
    if (newId !== null) report.begin(newId);
    const { runRequest } = await import('./exec-session.ts');
    const code = await runRequest(request, {
      newId,
      report,
      asker,
      paint,
      stopping,
      signal: beginning.signal,
      outputLastMessage: options.outputLastMessage,
      hasPage: options.inspect === true,
    });
    return signals.exitCode() ?? code;
  } catch (error) {
    report.fail(messageOf(error));
    const code = signals.exitCode();
    if (code === null) throw error;
    return code;
  } finally {
    asker?.close();
    signals.release();
  }
}

import { defaultHome } from '../here/default-home.ts';
import { findLog, piecesOf } from '../here/log-files.ts';
import { display } from '../policy/display.ts';
import { messageOf } from '../protocol/errors.ts';
import { type Verdict, verifyLog } from '../rollout/verify/verify.ts';

/** Says whether a log is a legal trace of the charts: 0 when it is, 1 when it is not, 2 when it cannot be read. */
export async function verify(file: string, options: Readonly<{ json?: boolean }>): Promise<number> {
  const verdict = await verdictOf((await findLog(defaultHome(), file)) ?? file);
  process.stdout.write(options.json === true ? `${JSON.stringify(verdict)}\n` : `${wordsFor(verdict)}\n`);
  return { legal: 0, illegal: 1, unreadable: 2 }[verdict.verdict];
}

async function verdictOf(path: string): Promise<Verdict> {
  try {
    return await verifyLog(piecesOf(path));
  } catch (error) {
    return { verdict: 'unreadable', why: messageOf(error) };
  }
}

function wordsFor(verdict: Verdict): string {
  if (verdict.verdict === 'unreadable') return `unreadable: ${display(verdict.why)}`;
  if (verdict.verdict === 'illegal') {
    const what = verdict.type === null ? '' : ` (record ${verdict.seq}, ${display(verdict.type)})`;
    return `illegal: line ${verdict.line}${what}: ${display(verdict.why)} [${verdict.rule}]`;
  }
  const { records, openTasks, isClosed } = verdict;
  const open =
    openTasks.length === 0 ? '' : `, ${openTasks.length} of its tasks not ended: ${openTasks.map(display).join(', ')}`;
  return `legal: ${records} records${isClosed ? '' : ', not closed'}${open}`;
}

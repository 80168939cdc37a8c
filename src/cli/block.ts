import { display, displayArgv } from '../policy/display.ts';
import type { Paint } from './terminal.ts';
import { wrapped } from './wrap.ts';

/** How what happens is shown: in which colours, and from which directory the person looks at it. */
export type View = Readonly<{ paint: Paint; cwd: string }>;

/** The longest label in the margin. */
const LABEL_WIDTH = 'decision'.length;
/** How many lines of a long text are shown: half from its beginning, half from its end. */
const LINES_SHOWN = 12;
/** How many characters of a line are shown where it may be cut. */
const LINE_CHARACTERS = 200;

/**
 * Lines with a label in the margin, before a bar. What is foreign stands right of the bar on every line, so that it
 * cannot pass for a line of ours.
 */
export function block(label: string, lines: readonly string[], paint: Paint, paintLabel = paint.faint): string[] {
  const cells = cellsBeside(paint);
  const cut = cells === null ? lines : lines.flatMap((line) => wrapped(line, cells));
  return cut.map((line, at) => `${margin(at === 0 ? label : '', paint, paintLabel)}${line === '' ? '' : ` ${line}`}`);
}

/** The margin of a line, with its bar. */
export function margin(label: string, { faint }: Paint, paintLabel = faint): string {
  const padded = label.padStart(LABEL_WIDTH);
  return `${label === '' ? padded : paintLabel(padded)} ${faint('│')}`;
}

/** How many cells a line has right of the bar; null where lines are not broken. */
export function cellsBeside({ columns }: Paint): number | null {
  const all = columns();
  return all === null ? null : Math.max(CELLS_MIN, all - LABEL_WIDTH - ' │ '.length);
}

/** On a narrower screen nothing can be read anyway. */
const CELLS_MIN = 8;

/** A text of somebody else's, safe to show, in lines; all of it. */
export function foreignLines(text: string): string[] {
  return display(text.replace(/\n+$/, '')).split('\n');
}

/** The same for a text that may have been made safe before, whose escapes are not to be escaped once more. */
export function safeLines(text: string): string[] {
  const bare = text.replaceAll('\\', '/');
  return display(bare) === bare ? text.split('\n') : foreignLines(text);
}

/** The head and the tail of a text of somebody else's, and between them how much was left out. */
export function excerptLines(text: string): string[] {
  const lines = text.replace(/\n+$/, '').split('\n');
  const leftOut = lines.length - LINES_SHOWN;
  if (leftOut <= 1) return lines.map(shortened);
  const head = lines.slice(0, LINES_SHOWN / 2).map(shortened);
  const tail = lines.slice(-LINES_SHOWN / 2).map(shortened);
  return [...head, `… ${leftOut} lines left out …`, ...tail];
}

/** A name of somebody else's (a path, a tool) on one line. */
export function foreignName(name: string): string {
  return displayArgv([name]);
}

function shortened(line: string): string {
  const [shown = ''] = CUT.exec(line) ?? [];
  return display(shown) + (shown.length < line.length ? ' …' : '');
}

const CUT = new RegExp(`^.{0,${LINE_CHARACTERS}}`, 'su');

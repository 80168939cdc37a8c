import type { CallStatus, FileChange, Item, PlanStep } from '../protocol/items.ts';
import { block, excerptLines, foreignLines, foreignName, type View } from './block.ts';
import type { Paint } from './terminal.ts';

/** What is shown when something begins: the calls that may take long. */
export function startedItemLines(item: Item, { paint, cwd }: View): string[] {
  switch (item.type) {
    case 'command_execution': {
      const where = item.cwd === cwd ? [] : [paint.faint(`in ${foreignName(item.cwd)}`)];
      return block('command', [...foreignLines(item.command).map(paint.strong), ...where], paint);
    }
    case 'tool_call':
      return block('tool', [toolText(item.name, item.arguments)], paint);
    case 'mcp_tool_call':
      return block('tool', [toolText(`${item.server}.${item.tool}`, item.arguments)], paint);
    case 'sub_session':
      return block('opened', [`a sub-session (${foreignName(item.kind)})`], paint);
    default:
      return [];
  }
}

/** What is shown when something is complete: what was said, and what the calls came to. */
export function completedItemLines(item: Item, { paint }: View): string[] {
  switch (item.type) {
    case 'user_message':
      return block('user', excerptLines(item.text), paint, paint.strong);
    case 'agent_message': {
      const cut = item.partial ? [paint.faint('(cut short)')] : [];
      return block('agent', [...foreignLines(item.text), ...cut], paint, paint.strong);
    }
    case 'reasoning':
      return item.text === '' ? [] : block('thinking', excerptLines(item.text).map(paint.faint), paint);
    case 'command_execution': {
      const declined = item.status === 'declined' ? `: ${excerptLines(item.output).join(' ')}` : '';
      const code = item.exitCode === null ? item.status : `exit code ${item.exitCode}`;
      const word = item.exitCode !== null && item.status === 'aborted' ? `${code}, aborted` : code;
      return resultLines(item.status, word + declined, declined === '' ? item.output : '', paint);
    }
    case 'tool_call':
      return resultLines(item.status, `${foreignName(item.name)} ${item.status}`, item.output, paint);
    case 'mcp_tool_call':
      return resultLines(
        item.status,
        `${foreignName(`${item.server}.${item.tool}`)} ${item.status}`,
        item.output,
        paint,
      );
    case 'file_change':
      return block('patch', changeLines(item.changes, item.status, paint), paint);
    case 'todo_list': {
      const why = item.explanation === undefined ? [] : excerptLines(item.explanation);
      return block('plan', [...why, ...item.plan.map((step) => planLine(step, paint))], paint);
    }
    case 'review': {
      const findings = item.output?.findings ?? [];
      const titles = findings.map(
        ({ title, file, lines }) => `${foreignName(file)}:${lines.start} ${excerptLines(title).join(' ')}`,
      );
      return block('review', [`${item.status}, findings: ${findings.length}`, ...titles], paint);
    }
    case 'compaction':
    case 'checkpoint':
      return block(item.type === 'compaction' ? 'history' : 'snapshot', [`${item.type} ${item.status}`], paint);
    case 'undo':
      return block('undo', [item.status, ...(item.paths ?? []).map(foreignName)], paint);
    case 'sub_session':
      return block('closed', [`a sub-session (${foreignName(item.kind)}): ${item.status}`], paint);
    case 'interruption':
      return [];
    case 'error':
      return block('error', foreignLines(`${item.code}: ${item.message}`), paint, paint.bad);
    default:
      return item satisfies never;
  }
}

/** A change in a few words: `changed src/a.ts`. */
export function changeText({ kind, path, movedTo }: FileChange): string {
  const moved = movedTo === undefined ? '' : ` → ${foreignName(movedTo)}`;
  return `${CHANGE_WORDS[kind]} ${foreignName(path)}${moved}`;
}

const CHANGE_WORDS = { add: 'added', delete: 'deleted', update: 'changed' } as const;

function changeLines(changes: readonly FileChange[], status: CallStatus, paint: Paint): string[] {
  if (status === 'completed') return changes.map((change) => `${mark(status, paint)} ${changeText(change)}`);
  const names = changes.map(({ path, movedTo }) => foreignName(movedTo ?? path)).join(', ');
  return [`${mark(status, paint)} ${status}${names === '' ? '' : `: ${names}`}`];
}

function resultLines(status: CallStatus, words: string, output: string, paint: Paint): string[] {
  const shown = output === '' ? [] : excerptLines(output).map((line) => paint.faint(`  ${line}`.trimEnd()));
  return block('result', [`${mark(status, paint)} ${words}`, ...shown], paint);
}

function mark(status: CallStatus, paint: Paint): string {
  return status === 'completed' ? paint.good('✓') : paint.bad('✗');
}

function planLine({ step, status }: PlanStep, paint: Paint): string {
  const text = excerptLines(step).join(' ');
  switch (status) {
    case 'completed':
      return `${paint.good('✓')} ${text}`;
    case 'in_progress':
      return `${paint.alert('▸')} ${paint.strong(text)}`;
    case 'pending':
      return `${paint.faint('·')} ${text}`;
    default:
      return status satisfies never;
  }
}

function toolText(name: string, input: unknown): string {
  const text = typeof input === 'string' ? input : (JSON.stringify(input) ?? '');
  return `${foreignName(name)} ${excerptLines(text).join(' ')}`;
}

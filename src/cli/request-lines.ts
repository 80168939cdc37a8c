import { displayArgv } from '../policy/display.ts';
import { pathText } from '../protocol/path.ts';
import type { RequestSubject, SessionRequest } from '../protocol/requests.ts';
import { block, foreignLines, foreignName, safeLines } from './block.ts';
import { changeText } from './item-lines.ts';
import type { Paint } from './terminal.ts';

/** A request as a person must see it to decide: exactly what will happen, and nothing left out. */
export function requestLines(request: SessionRequest, paint: Paint): string[] {
  const { subject, reason, path, expiresAt, count } = request;
  const fields = [
    ...subjectFields(subject),
    ...(reason === undefined ? [] : [field('reason', safeLines(reason))]),
    field('asked by', [pathText(path)]),
    ...(count === undefined ? [] : [field('asked', [`${count} times; one answer is for all of them`])]),
    ...(expiresAt === undefined ? [] : [field('until', [expiresAt])]),
  ];
  return block('request', [paint.strong(title(subject)), ...fields.flat()], paint, paint.alert);
}

function title(subject: RequestSubject): string {
  switch (subject.kind) {
    case 'command':
      return subject.escalated ? 'May this command run outside the sandbox?' : 'May this command run?';
    case 'patch':
      return 'May these files be changed?';
    case 'question':
      return 'A question:';
    case 'permissions':
      return 'May these permissions be given?';
    case 'elicitation':
      return `The server ${foreignName(subject.server)} asks:`;
    default:
      return subject satisfies never;
  }
}

function subjectFields(subject: RequestSubject): string[][] {
  switch (subject.kind) {
    case 'command':
      return [
        field('runs', [displayArgv(subject.argv)]),
        ...(subject.shown.includes('\n') ? [field('as lines', safeLines(subject.shown))] : []),
        field('in', [foreignName(subject.cwd)]),
        field('sandbox', [foreignName(subject.sandbox)]),
        ...(subject.suggestedRule === undefined ? [] : [field('rule', [`${displayArgv(subject.suggestedRule)} …`])]),
      ];
    case 'patch':
      return [
        field('files', subject.changes.map(changeText)),
        ...(subject.outsideWorkspace.length === 0 ? [] : [field('outside', subject.outsideWorkspace.map(foreignName))]),
        ...subject.changes.flatMap(({ diff }) => (diff === undefined ? [] : [field('diff', foreignLines(diff))])),
      ];
    case 'question':
      return subject.questions.map(({ question, options = [] }) =>
        field('question', [...foreignLines(question), ...options.map(foreignName)]),
      );
    case 'permissions':
      return [field('wanted', foreignLines(JSON.stringify(subject.permissions, null, 2)))];
    case 'elicitation':
      return [field('message', foreignLines(subject.message))];
    default:
      return subject satisfies never;
  }
}

/** The longest name of a field. */
const NAME_WIDTH = 'asked by'.length;

function field(name: string, lines: readonly string[]): string[] {
  return lines.map((line, at) => `  ${(at === 0 ? name : '').padEnd(NAME_WIDTH)}  ${line}`.trimEnd());
}

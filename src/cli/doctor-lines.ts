import { block, foreignName } from './block.ts';
import type { Check } from './doctor-checks.ts';
import type { LocalServer } from './model-list.ts';
import type { Paint } from './terminal.ts';

/** How many models of one server are named. */
const MODELS_SHOWN = 5;

/** What a person reads of an examination, with the commands to mend and to begin on lines of their own. */
export function doctorLines(
  { checks, local }: Readonly<{ checks: readonly Check[]; local: readonly LocalServer[] }>,
  configPath: string,
  paint: Paint,
): readonly string[] {
  const isReady = checks.every(({ status }) => status !== 'bad');
  return [
    ...checks.flatMap((check) => checkLines(check, paint)),
    ...localLines(local, paint),
    ...block('settings', [foreignName(configPath)], paint),
    '',
    isReady ? 'A task can run.' : 'No task can run yet: mend what is marked with ✗.',
  ];
}

function checkLines({ name, status, words, mend, details = [] }: Check, paint: Paint): string[] {
  return block(
    name,
    [
      `${mark(status, paint)} ${words}`,
      ...details.map((line) => `  ${line}`),
      ...(mend === null ? [] : [`  → ${paint.strong(mend)}`]),
    ],
    paint,
  );
}

function mark(status: Check['status'], paint: Paint): string {
  switch (status) {
    case 'good':
      return paint.good('✓');
    case 'poor':
      return paint.alert('!');
    case 'bad':
      return paint.bad('✗');
    default:
      return status satisfies never;
  }
}

function localLines(local: readonly LocalServer[], paint: Paint): string[] {
  if (local.length === 0) return block('local', ['no model server answers on the usual ports of this machine'], paint);
  return local.flatMap(({ name, baseURL, models, line }) => {
    const shown = models.slice(0, MODELS_SHOWN).map(foreignName).join(', ');
    const more = models.length > MODELS_SHOWN ? ` and ${models.length - MODELS_SHOWN} more` : '';
    const what = `${name} (or another) at ${baseURL}: ${shown === '' ? 'no model' : shown + more}`;
    return block('local', [what, ...(line === null ? [] : [`  → ${paint.strong(line)}`])], paint);
  });
}

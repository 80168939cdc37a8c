import type { Findings } from '../../protocol/findings.ts';

/** The findings as people and models read them: the explanation, and a list with the place of each. */
export function renderFindings({ findings, explanation }: Findings): string {
  const list = findings.map(({ title, body, file, lines }) => {
    const place = file === '' ? '' : ` — ${file}${lines.start === 0 ? '' : `:${lines.start}-${lines.end}`}`;
    const indented = body === '' ? [] : body.split('\n').map((line) => `  ${line}`);
    return [`- ${title}${place}`, ...indented].join('\n');
  });
  const header = findings.length === 0 ? [] : [findings.length === 1 ? 'Review comment:' : 'Full review comments:'];
  const parts = [explanation, ...header, ...list].filter((part) => part !== '');
  return parts.length === 0 ? 'The reviewer found nothing, and says no more.' : parts.join('\n\n');
}

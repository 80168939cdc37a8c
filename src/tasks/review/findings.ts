import { isAbsolute, relative } from 'node:path';
import * as z from 'zod';
import { cutInTheMiddle } from '../../history/tokens.ts';
import type { Findings } from '../../protocol/findings.ts';

/** Longer answers are not searched for JSON, in characters. */
const JSON_MAX = 4 * 1024 * 1024;
/** How much of an answer that is no JSON is kept as the explanation, in tokens. */
const EXPLANATION_TOKENS_MAX = 8_000;
const FINDINGS_MAX = 1_000;

const line = z.coerce.number().int().min(0).catch(0);
const share = z.coerce.number().min(0).max(1).catch(0);
const words = z.string().catch('');

/** A finding as reviewers write it; what is of a wrong type is left out, as long as it says what is wrong. */
const finding = z
  .object({
    title: words,
    body: words,
    confidence_score: share,
    priority: z.coerce.number().int().min(0).max(3).catch(3),
    code_location: z
      .object({
        absolute_file_path: words,
        line_range: z.object({ start: line, end: line }).catch({ start: 0, end: 0 }),
      })
      .catch({ absolute_file_path: '', line_range: { start: 0, end: 0 } }),
  })
  .refine(({ title, body }) => title !== '' || body !== '');

const answer = z.object({
  findings: z.array(z.unknown()).catch([]),
  overall_correctness: words,
  overall_explanation: words,
  overall_confidence_score: share,
});

/**
 * What a reviewer answered: its JSON, the JSON within what it says, or else its words as the explanation. Null for an answer
 * that says nothing. Paths below `cwd` are given from there.
 */
export function findingsOf(said: string, cwd: string): Findings | null {
  const text = said.trim();
  if (text === '') return null;
  const parsed = jsonIn(text);
  if (parsed === null) return { ...NOTHING_FOUND, explanation: cutInTheMiddle(text, EXPLANATION_TOKENS_MAX) };
  const told = parsed.findings.slice(0, FINDINGS_MAX).map((one) => finding.safeParse(one));
  const unread = parsed.findings.length - told.filter(({ success }) => success).length;
  const note = unread === 0 ? '' : `${unread} of the findings could not be read.`;
  return {
    findings: told.flatMap(({ data }) =>
      data === undefined
        ? []
        : [
            {
              title: data.title === '' ? firstLine(data.body) : data.title,
              body: data.body,
              confidence: data.confidence_score,
              priority: data.priority,
              file: fromHere(data.code_location.absolute_file_path, cwd),
              lines: inOrder(data.code_location.line_range),
            },
          ],
    ),
    correctness: parsed.overall_correctness,
    explanation: [parsed.overall_explanation, note].filter((part) => part !== '').join(' '),
    confidence: parsed.overall_confidence_score,
  };
}

const NOTHING_FOUND: Findings = { findings: [], correctness: '', explanation: '', confidence: 0 };

/** The whole as JSON, or what is between its first and its last brace. */
function jsonIn(text: string): z.infer<typeof answer> | null {
  if (text.length > JSON_MAX) return null;
  for (const candidate of [text, text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)]) {
    try {
      const value: unknown = JSON.parse(candidate);
      const isReview =
        typeof value === 'object' && value !== null && ('findings' in value || 'overall_explanation' in value);
      const result = isReview ? answer.safeParse(value) : null;
      if (result?.success === true) return result.data;
    } catch {
      // The next candidate, or none: then it is taken as words.
    }
  }
  return null;
}

function fromHere(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const way = relative(cwd, path);
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way;
}

function inOrder({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end: Math.max(start, end) };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 120) ?? '';
}

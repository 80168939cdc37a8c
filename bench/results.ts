import type { PeerName } from './peer.ts';
import type { Row, Scenario } from './scenarios.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** One line of the report: a figure of each peer, and how they compare. */
export type Result = Readonly<{
  scenario: number;
  name: string;
  figure: string;
  what: string;
  unit: string;
  /** Null where the peer has no such thing. */
  baseline: Spread | null;
  troupe: Spread | null;
  /** Of the medians; null without a baseline, or with one of nothing. */
  ratio: number | null;
  target: Readonly<{ of: 'ratio' | 'troupe'; atMost: number; met: boolean }> | null;
}>;

/** The samples of one scenario, by peer and figure. */
export type Samples = ReadonlyMap<PeerName, ReadonlyMap<string, readonly number[]>>;

export function resultsOf(scenario: Scenario, samples: Samples): readonly Result[] {
  return scenario.rows.map((row) => {
    const baseline = spreadIn(samples, 'baseline', row);
    const troupe = spreadIn(samples, 'troupe', row);
    const ratio =
      baseline === null || troupe === null || baseline.median === 0 ? null : troupe.median / baseline.median;
    const { figure, what, unit } = row;
    const target = targetOf(row, ratio, troupe);
    return { scenario: scenario.number, name: scenario.name, figure, what, unit, baseline, troupe, ratio, target };
  });
}

function spreadIn(samples: Samples, peer: PeerName, { figure }: Row): Spread | null {
  const found = samples.get(peer)?.get(figure);
  return found === undefined ? null : spreadOf(found);
}

function targetOf({ target }: Row, ratio: number | null, troupe: Spread | null): Result['target'] {
  if (target === null) return null;
  const value = target.of === 'ratio' ? ratio : (troupe?.median ?? null);
  return value === null ? null : { ...target, met: value <= target.atMost };
}

const HEAD = ['#', 'what', 'unit', 'baseline', 'troupe', 'ratio', 'target'];

/** The results as a table for people: medians, with the least and the most in brackets. */
export function tableOf(results: readonly Result[]): string {
  const lines = [HEAD, ...results.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...rest] = lines;
  return [text(head), text(widths.map((width) => '-'.repeat(width))), ...rest.map(text)].join('\n');
}

function cellsOf({ scenario, what, unit, baseline, troupe, ratio, target }: Result): readonly string[] {
  const aim = target === null ? '' : `≤ ${target.atMost}${target.of === 'ratio' ? ' ×' : ` ${unit}`}`.trimEnd();
  const verdict = target === null ? '' : target.met ? ', met' : ', missed';
  return [
    String(scenario),
    what,
    unit,
    spreadText(baseline),
    spreadText(troupe),
    ratio === null ? '' : `${numberText(ratio)} ×`,
    `${aim}${verdict}`,
  ];
}

function spreadText(spread: Spread | null): string {
  if (spread === null) return '–';
  const { median, min, max, samples } = spread;
  if (samples.length === 1 || min === max) return numberText(median);
  return `${numberText(median)} [${numberText(min)}..${numberText(max)}]`;
}

/** Three figures that count, more of a large number. */
function numberText(value: number): string {
  if (value === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 4));
}

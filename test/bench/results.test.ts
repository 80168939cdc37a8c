import { describe, expect, it } from 'vitest';
import type { PeerName } from '../../bench/peer.ts';
import { resultsOf, type Samples, tableOf } from '../../bench/results.ts';
import type { Scenario, Target } from '../../bench/scenarios.ts';

const samplesOf = (samples: Partial<Record<PeerName, readonly number[]>>): Samples =>
  new Map(
    (['baseline', 'troupe'] as const).flatMap((peer) => {
      const found = samples[peer];
      return found === undefined ? [] : [[peer, new Map([['cpuMs', found]])]];
    }),
  );

const scenarioWith = (target: Target | null): Scenario => ({
  number: 1,
  name: 'turn',
  peers: ['baseline', 'troupe'],
  repetitions: 3,
  size: { warmUp: 1, count: 1 },
  quick: { warmUp: 1, count: 1 },
  rows: [{ figure: 'cpuMs', what: 'CPU of a turn', unit: 'ms', target }],
});

const judged = (target: Target, samples: Partial<Record<PeerName, readonly number[]>>) =>
  resultsOf(scenarioWith(target), samplesOf(samples)).map((result) => [result.ratio, result.target]);

describe('the results', () => {
  it('compare the medians of one run', () => {
    const samples = samplesOf({ baseline: [2, 1, 9], troupe: [4, 3, 5] });
    expect(resultsOf(scenarioWith({ of: 'ratio', atMost: 1.5 }), samples)).toEqual([
      {
        scenario: 1,
        name: 'turn',
        figure: 'cpuMs',
        what: 'CPU of a turn',
        unit: 'ms',
        baseline: { median: 2, min: 1, max: 9, samples: [2, 1, 9] },
        troupe: { median: 4, min: 3, max: 5, samples: [4, 3, 5] },
        ratio: 2,
        target: { of: 'ratio', atMost: 1.5, met: false },
      },
    ]);
  });

  it('meet a target with just what it allows', () => {
    const target = { of: 'ratio', atMost: 2 } as const;
    expect(judged(target, { baseline: [1], troupe: [2] })).toEqual([[2, { ...target, met: true }]]);
  });

  it('judge a figure of ours where there is no baseline, or one of nothing', () => {
    const target = { of: 'troupe', atMost: 3 } as const;
    expect(judged(target, { troupe: [2] })).toEqual([[null, { ...target, met: true }]]);
    expect(judged(target, { baseline: [0], troupe: [4] })).toEqual([[null, { ...target, met: false }]]);
  });

  it('judge nothing that was not measured', () => {
    expect(judged({ of: 'ratio', atMost: 1 }, { troupe: [2] })).toEqual([[null, null]]);
  });
});

it('prints a table whose columns stand under their heads', () => {
  const [result] = resultsOf(
    scenarioWith({ of: 'ratio', atMost: 0.85 }),
    samplesOf({ baseline: [1.5, 1.25, 1.75], troupe: [1] }),
  );
  const alone = resultsOf(scenarioWith(null), samplesOf({ troupe: [0, 0] }));
  expect(tableOf(result === undefined ? [] : [result, ...alone])).toBe(
    [
      '#  what           unit  baseline           troupe  ratio    target',
      '-  -------------  ----  -----------------  ------  -------  -------------',
      '1  CPU of a turn  ms    1.50 [1.25..1.75]  1.00    0.667 ×  ≤ 0.85 ×, met',
      '1  CPU of a turn  ms    –                  0',
    ].join('\n'),
  );
});

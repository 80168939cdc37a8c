import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isThorough } from '../rounds.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

function bench(...words: string[]): Promise<{ status: number; out: string; told: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, ...words],
      (_, out, told) => resolve({ status: child.exitCode ?? -1, out, told }),
    );
  });
}

/** A scenario starts processes that measure, and the machine may have other work. */
const MEASURING = { timeout: 300_000 };

/** What only measures takes a minute of both cores. */
const whenThorough = it.skipIf(!isThorough);

const spread = {
  median: expect.any(Number),
  min: expect.any(Number),
  max: expect.any(Number),
  samples: [expect.any(Number)],
};

describe('npm run bench', () => {
  it('gives one result for each figure of a scenario, with the baseline of the same run', MEASURING, async () => {
    const { status, out } = await bench('--quick', '--only', '1', '--json');
    expect(status).toBe(0);
    const result = { scenario: 1, name: 'turn', what: expect.any(String), baseline: spread, troupe: spread };
    const target = { of: 'ratio', atMost: expect.any(Number), met: expect.any(Boolean) };
    expect(JSON.parse(out)).toEqual({
      node: process.version,
      cores: expect.any(Number),
      quick: true,
      results: [
        { ...result, figure: 'cpuMs', unit: 'ms', ratio: expect.any(Number), target },
        { ...result, figure: 'bodyKb', unit: 'kB', ratio: expect.any(Number), target: null },
      ],
    });
  });

  it('prints a table for people, with the peers that a scenario has', MEASURING, async () => {
    const { status, out, told } = await bench('--quick', '--only', '7');
    expect(status).toBe(0);
    const [head, line, first] = out.split('\n').map((text) => text.split(/\s{2,}/));
    expect(head).toEqual(['#', 'what', 'unit', 'baseline', 'troupe', 'ratio', 'target']);
    expect(line?.join('')).toMatch(/^-+$/);
    expect(first?.slice(0, 4)).toEqual(['7', 'decision from the root to the asker at depth 8, p50', 'µs', '–']);
    expect(told).toMatch(/^7 decision: measured in [\d.]+ s\n$/);
  });

  whenThorough('measures the start of what is installed and of a clone beside that of Node', MEASURING, async () => {
    const { status, out } = await bench('--quick', '--only', '12', '--json');
    expect(status).toBe(0);
    const results: { figure: string; ratio: number; target: unknown }[] = JSON.parse(out).results;
    const target = { of: 'ratio', atMost: 3, met: expect.any(Boolean) };
    expect(results.map(({ figure, ratio, target }) => ({ figure, ratio, target }))).toEqual([
      { figure: 'installedFirstMs', ratio: expect.any(Number), target },
      { figure: 'installedTurnMs', ratio: expect.any(Number), target: null },
      { figure: 'cloneFirstMs', ratio: expect.any(Number), target: null },
      { figure: 'cloneTurnMs', ratio: expect.any(Number), target: null },
    ]);
  });

  whenThorough('measures commands in each way beside a bare spawn, and a kill of many', MEASURING, async () => {
    const { status, out } = await bench('--quick', '--only', '8', '--only', '9', '--only', '10', '--json');
    expect(status).toBe(0);
    const ways = ['sandbox', 'container', 'group'];
    const figures = [
      ...ways.flatMap((way) => [`${way}P50Ms`, `${way}P95Ms`]),
      ...ways.flatMap((way) => [`${way}Ms`, `${way}EachMs`]),
      ...ways.flatMap((way) => [`${way}DeadMs`, `${way}GrowthMb`]),
    ];
    const found: readonly { figure: string; baseline: unknown; troupe: unknown }[] = JSON.parse(out).results;
    expect(found.map(({ figure }) => figure)).toEqual(figures);
    expect(found.map(({ troupe }) => troupe)).toEqual(figures.map(() => spread));
    expect(found.map(({ baseline }) => baseline)).toEqual(figures.map((_, at) => (at < 12 ? spread : null)));
  });

  whenThorough('measures what logs cost', MEASURING, async () => {
    const only = ['13', '14', '15', '16'].flatMap((number) => ['--only', number]);
    const { status, out } = await bench('--quick', ...only, '--json');
    expect(status).toBe(0);
    const found: readonly { figure: string; troupe: unknown }[] = JSON.parse(out).results;
    expect(found.map(({ figure, troupe }) => [figure, troupe])).toEqual(
      [
        ...[
          'groupPerSecond',
          'singlePerSecond',
          'share',
          'shareOfFewer',
          'replayMs',
          'perSecond',
          'readMs',
          'growthMb',
        ],
        ...['offMs', 'durableMs', 'addedMs'],
      ].map((figure) => [figure, spread]),
    );
  });

  whenThorough(
    'measures agents in agents that ask at the root, with as many model requests as the baseline',
    MEASURING,
    async () => {
      const { status, out } = await bench('--quick', '--only', '17', '--json');
      expect(status).toBe(0);
      const found: readonly { name: string; figure: string; baseline: unknown; troupe: unknown }[] =
        JSON.parse(out).results;
      const figures = ['depth1CpuMs', 'depth3CpuMs', 'depth8CpuMs'];
      expect(found.map(({ name, figure, baseline, troupe }) => [name, figure, baseline, troupe])).toEqual(
        ['nested-requests', 'nested-agents'].flatMap((name) => figures.map((figure) => [name, figure, spread, spread])),
      );
    },
  );

  it('refuses a scenario that it does not have, and an option that it does not know', async () => {
    expect(await bench('--only', '99')).toEqual({
      status: 1,
      out: '',
      told: 'Expected --only to be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, got "99".\n',
    });
    expect(await bench('--fast')).toMatchObject({ status: 1, out: '', told: expect.stringContaining("'--fast'") });
  });
});

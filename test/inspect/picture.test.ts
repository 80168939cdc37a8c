import elkjs from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import * as machines from '../../machines/index.ts';
import { machinesIn } from '../../scripts/visualize.ts';
import { chartOf } from '../../src/inspect/chart.ts';
import { type Elk, layOut, type Picture, type PictureState } from '../../src/inspect/picture.ts';
import { svg } from '../../src/inspect/svg.ts';

const elk = new (elkjs as unknown as new () => Elk)(); // The package's own types say that its default export is a module.

type Box = Pick<PictureState, 'x' | 'y' | 'width' | 'height'>;

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function isWithin(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

const isBelow = (path: string, above: string) => above === '' || path.startsWith(`${above}.`);

/** What is wrong with where things are. */
function misplaced({ width, height, states, edges }: Picture): string[] {
  const page = { x: 0, y: 0, width, height };
  const pairs = states.flatMap((a, index) => states.slice(index + 1).map((b) => [a, b] as const));
  const leaves = states.filter(({ path }) => !states.some((other) => other.path !== path && isBelow(other.path, path)));
  return [
    ...states.filter((state) => !isWithin(state, page)).map(({ path }) => `${path} is outside of the picture`),
    ...pairs.flatMap(([a, b]) => {
      if (isBelow(b.path, a.path)) return isWithin(b, a) ? [] : [`${b.path} is not within ${a.path}`];
      return !isBelow(a.path, b.path) && overlap(a, b) ? [`${a.path} and ${b.path} overlap`] : [];
    }),
    ...edges.flatMap(({ label, source, target }) => {
      const covered = leaves.filter((state) => label !== null && overlap(label, state));
      return covered.map(({ path }) => `the label from ${source} to ${target} covers ${path}`);
    }),
    ...edges
      .filter(({ points }) => points.length < 2)
      .map(({ source, target }) => `no line from ${source} to ${target}`),
  ];
}

const draw = (machine: AnyStateMachine) => layOut(chartOf(machine), elk);

const nested = createMachine({
  id: 'nested',
  type: 'parallel',
  states: {
    a: {
      initial: 'x',
      states: { x: { on: { GO: 'y', SELF: 'x', '*': 'y' } }, y: { after: { 1000: 'x' }, type: 'final' } },
    },
    b: { initial: 'p', on: { OUT: '.p' }, states: { p: { initial: 'q', states: { q: {} } } } },
  },
});

describe('layOut', () => {
  it.each(machinesIn(machines).map((machine) => [machine.id, machine] as const))(
    'finds places for all of %s, with nothing over anything else',
    async (_, machine) => {
      expect(misplaced(await draw(machine))).toEqual([]);
    },
  );

  it.each([
    ['a machine without states', createMachine({ id: 'empty' })],
    ['regions, self-transitions, wildcards and delays', nested],
    [
      'names that never end',
      createMachine({ id: 'x'.repeat(500), initial: 'a', states: { a: { on: { ['E'.repeat(300)]: 'a' } } } }),
    ],
    [
      'two hundred states',
      createMachine({
        id: 'many',
        initial: 's0',
        states: Object.fromEntries(
          Array.from({ length: 200 }, (_, index) => [`s${index}`, { on: { NEXT: `s${(index + 1) % 200}` } }]),
        ),
      }),
    ],
  ])('takes %s', async (_, machine) => {
    expect(misplaced(await draw(machine))).toEqual([]);
  });

  it('joins the transitions between two states, and keeps the name of each', async () => {
    const machine = createMachine({
      id: 'two',
      initial: 'a',
      states: { a: { on: { GO: 'b', RUN: { target: 'b', guard: 'isFast' }, STAY: { actions: 'wait' } } }, b: {} },
    });
    const { edges, states } = await draw(machine);
    expect(
      edges.filter(({ source }) => source !== null).map(({ source, target, lines }) => ({ source, target, lines })),
    ).toEqual([
      {
        source: 'a',
        target: 'b',
        lines: [
          { name: 'a#0', text: 'GO', actions: [] },
          { name: 'a#1', text: 'RUN [isFast]', actions: [] },
        ],
      },
    ]);
    expect(states.find(({ path }) => path === 'a')?.lines).toEqual([
      { kind: 'title', text: 'a' },
      { kind: 'handles', text: 'STAY' },
    ]);
  });
});

describe('svg', () => {
  const options = { title: 'A & B', description: '' };

  it('shows whatever a chart is called as text', async () => {
    const machine = createMachine({ id: '<script>alert(1)</script>', description: 'a "b" \u0000 & c' });
    const text = svg([{ picture: await draw(machine), caption: '<b>' }], options);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).toContain('a &quot;b&quot; \ufffd &amp; c');
    expect(text).toContain('>&lt;b&gt;</text>');
    expect(text).not.toContain('<script');
    expect(text).toContain('<title id="title">A &amp; B</title>');
  });

  it('stands alone: nothing is loaded from anywhere, and nothing runs', async () => {
    const text = svg([{ picture: await draw(nested), caption: '' }], options);
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|<script|\son\w+=/);
  });
});

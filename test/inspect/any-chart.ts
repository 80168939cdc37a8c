import fc from 'fast-check';
import type { Chart, ChartState } from '../../src/inspect/chart.ts';

type Shape = Readonly<{ parallel: boolean; children: readonly Shape[] }>;

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.record({
    parallel: fc.boolean(),
    children: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'chart' },
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(tie('shape'), { minLength: 1, maxLength: 3 }) },
    ),
  }),
}));

/** Charts as machines have them, with transitions between any two of their states, to several, and to none. */
export const anyChart: fc.Arbitrary<Chart> = fc
  .tuple(shape, fc.array(fc.tuple(fc.nat(), fc.array(fc.nat(), { maxLength: 2 }), fc.boolean()), { maxLength: 14 }))
  .map(([root, ways]) => {
    const paths = pathsOf(root, '');
    const at = (index: number): string => paths[index % paths.length] ?? '';
    const transitions = ways.map(([from, to, bare], index) => ({
      source: at(from),
      event: `event.${index}`,
      targets: to.map(at),
      guard: bare ? null : 'isAllowed',
      actions: bare ? [] : ['noteIt', 'tellOthers'],
    }));
    return { id: 'any', ...stateOf(root, '', transitions) };
  });

function pathsOf({ children }: Shape, path: string): string[] {
  return [path, ...children.flatMap((child, index) => pathsOf(child, pathOf(path, index)))];
}

function pathOf(parent: string, index: number): string {
  const key = String.fromCodePoint(97 + index);
  return parent === '' ? key : `${parent}.${key}`;
}

type From = ChartState['transitions'][number] & Readonly<{ source: string }>;

function stateOf({ parallel, children }: Shape, path: string, all: readonly From[]): ChartState {
  return {
    key: path.split('.').at(-1) || 'any',
    path,
    type: children.length === 0 ? 'atomic' : parallel ? 'parallel' : 'compound',
    description: null,
    initial: children.length === 0 || parallel ? null : 'a',
    tags: [],
    waitsFor: null,
    invokes: [],
    entry: [],
    exit: [],
    transitions: all.filter(({ source }) => source === path).map(({ source: _, ...transition }) => transition),
    states: children.map((child, index) => stateOf(child, pathOf(path, index), all)),
  };
}

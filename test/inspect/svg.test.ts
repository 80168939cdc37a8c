import Elk from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf } from '../../src/inspect/chart.ts';
import { besideEachOther } from '../../src/inspect/kind-picture.ts';
import { layOut } from '../../src/inspect/picture.ts';
import { kindSvg, roundedPath, svg } from '../../src/inspect/svg.ts';
import { lifecycleSample, regionsSample } from './samples.ts';

const elk = new Elk.default();
const svgOf = async (config: Parameters<typeof createMachine>[0], title = 'A chart') =>
  svg(await layOut(chartOf(createMachine(config)), elk), { title });

/** Names of elements that are opened and not closed in order, or null where the text is no XML. */
function unclosedIn(xml: string): string[] | null {
  const open: string[] = [];
  const rest = xml.replaceAll(/<(\/?)(\w+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g, (_, closing, name, _attributes, empty) => {
    if (closing === '') {
      if (empty === '') open.push(name);
    } else if (open.at(-1) === name) open.pop();
    else open.push(`/${name}`);
    return '';
  });
  return /<|&(?!(?:amp|lt|gt|quot);)/.test(rest) ? null : open;
}

describe('svg', () => {
  it('is XML that says for who does not see it where the chart begins and what leads where', async () => {
    const text = svg(await layOut(chartOf(lifecycleSample), elk), { title: 'A task & its end' });
    expect(unclosedIn(text)).toEqual([]);
    expect(text).toContain('role="img" aria-labelledby="title description"');
    expect(text).toContain('<title id="title">A task &amp; its end</title>');
    expect(/<desc[^>]*>([^<]*)/.exec(text)?.[1]?.split('\n')).toEqual([
      'Runs once, and {stops} within a bound.',
      'The machine begins in running.',
      'grace-wait begins in grace-wait.settling.',
      'running to grace-wait: task.abort [isLate] / keepReason, cancelWork',
      'running to grace-wait.killing: task.kill',
      'running to completed: work.done',
      'grace-wait to grace-wait.over: work.settled',
      'grace-wait to aborted: done',
      'grace-wait.settling to completed: deadline.passed',
      'grace-wait.settling to grace-wait.killing: done(timer) error(timer)',
    ]);
  });

  it('stands alone, has colours for both schemes, and is the same each time', async () => {
    const text = svg(await layOut(chartOf(regionsSample), elk), { title: 'Regions' });
    expect(text).not.toMatch(/<script|<image|<use|href|url\(|@import|@font-face|\bon\w+=/);
    expect(text.match(/prefers-color-scheme:\w+/g)).toEqual(['prefers-color-scheme:dark']);
    expect(text).toMatch(/<rect class="card" width="\d+" height="\d+"/);
    expect(svg(await layOut(chartOf(regionsSample), elk), { title: 'Regions' })).toBe(text);
  });

  it('lets foreign text end nothing and hide nothing', async () => {
    const text = await svgOf({
      id: '</title><script>alert(1)</script>',
      description: ']]> --> </desc></style>\u0000\u202e"\'',
      initial: 'a&b',
      states: { 'a&b': { entry: '<b>', on: { '"/><a href="x">': 'c' } }, c: {} },
    });
    expect(unclosedIn(text)).toEqual([]);
    expect(text).not.toMatch(/<script|<a |<b>|\p{Cc}(?<!\n)|\u202e/u);
    expect(text).toContain('&lt;/title&gt;&lt;script&gt;');
  });

  it('has two borders around a final state, a broken one around a region, and a pill around what is invoked', async () => {
    const text = await svgOf({
      id: 'm',
      type: 'parallel',
      states: { r: { initial: 'a', states: { a: { invoke: { src: 'timer' } }, b: { type: 'final' } } } },
    });
    const groups = [...text.matchAll(/<g class="(state [^"]*|pill)"(?: data-state="[^"]*")?>((?:\n?<rect[^>]*>)*)/g)];
    expect(groups.map(([, name, rects]) => [name, rects?.match(/<rect/g)?.length])).toEqual([
      ['state parallel machine', 1],
      ['state compound region', 1],
      ['state atomic', 1],
      ['pill', 1],
      ['state final', 2],
    ]);
  });
});

describe('roundedPath', () => {
  it('cuts corners round where there is room for it', () => {
    const corner = (x: number, y: number) => ({ x, y });
    expect(roundedPath([corner(0, 0), corner(0, 40), corner(40, 40)])).toBe('M0 0L0 33Q0 40 7 40L40 40');
    expect(roundedPath([corner(0, 0), corner(0, 4), corner(40, 4)])).toBe('M0 0L0 2Q0 4 2 4L40 4');
    expect(roundedPath([corner(0, 0), corner(0, 4)])).toBe('M0 0L0 4');
  });
});

describe('a kind', () => {
  const workSample = createMachine({
    id: 'sample-work',
    description: 'What it does.',
    initial: 'a',
    states: { a: {} },
  });

  it('shows the lifecycle with the work beside it, joined to what it invokes', async () => {
    const lifecycle = await layOut(chartOf(lifecycleSample), elk);
    const work = await layOut(chartOf(workSample), elk);
    const kind = besideEachOther(lifecycle, { src: 'work', work });
    const pill = lifecycle.states[0]?.lines.find((line) => line.kind === 'invoke');
    const y = (pill?.y ?? 0) + (pill?.height ?? 0) / 2;
    const [, beside] = kind.charts;
    expect(kind.joins).toEqual([
      {
        src: 'work',
        points: [
          { x: (pill?.x ?? 0) + (pill?.width ?? 0), y },
          { x: beside?.states[0]?.x, y },
        ],
      },
    ]);
    expect(beside?.states[0]?.x).toBeGreaterThan(lifecycle.width);
    expect(kind.height).toBe(lifecycle.height);
    const text = kindSvg(kind, { title: 'A kind' });
    expect(unclosedIn(text)).toEqual([]);
    expect(text).toContain('What it does.');
    expect(text).toContain('class="join"');
  });

  it('refuses a lifecycle that invokes no such thing', async () => {
    const work = await layOut(chartOf(workSample), elk);
    expect(() => besideEachOther(work, { src: 'work', work })).toThrow('Expected "sample-work" to invoke "work"');
  });
});

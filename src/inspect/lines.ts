import type { ChartInvoke, ChartState, ChartTransition } from './chart.ts';
import { eventWords } from './event-words.ts';
import { type Font, plain, type Span, widthOf, wrapped } from './typeset.ts';

export type Box = Readonly<{ x: number; y: number; width: number; height: number }>;
export type Point = Readonly<{ x: number; y: number }>;

/** A box with lines of text in it. */
export type Block = Box & Readonly<{ lines: readonly PlacedLine[] }>;

/** What a line tells. The last one is a transition that leads nowhere else, or one in the label of an arrow. */
export type LineKind = 'title' | 'description' | 'waits' | 'invoke' | 'entry' | 'exit' | 'tags' | 'transition';

/** What a piece of a line is; `word` is one of ours beside the names of the chart. */
export type SpanKind = 'text' | 'word' | 'event' | 'guard' | 'action';

export type Line = Readonly<{
  kind: LineKind;
  spans: readonly Span<SpanKind>[];
  /** The id of the transition that the line tells of. */
  transition: string | null;
}>;

/** A line in the box it fills (for what is invoked, a pill), and where its letters begin and stand. */
export type PlacedLine = Line & Box & Readonly<{ text: Point }>;

/** How each kind of line is set. Who draws must use these, for the boxes are measured by them. */
export const FONTS: Readonly<Record<LineKind, Font>> = {
  title: { family: 'sans', size: 14, lineHeight: 20, bold: true },
  description: { family: 'sans', size: 11.5, lineHeight: 16, bold: false },
  waits: { family: 'sans', size: 11.5, lineHeight: 17, bold: false },
  invoke: { family: 'mono', size: 11, lineHeight: 20, bold: false },
  entry: { family: 'mono', size: 11, lineHeight: 16, bold: false },
  exit: { family: 'mono', size: 11, lineHeight: 16, bold: false },
  tags: { family: 'mono', size: 11, lineHeight: 16, bold: false },
  transition: { family: 'mono', size: 11, lineHeight: 16, bold: false },
};

const MAX_LINES = 12;
const PILL_PADDING = 8;
const PILL_GAP = 4;
const GROUP_GAP = 5;
const HANGING = 12;

/** All that is written in a state, but for the transitions that are drawn as arrows. */
export function stateLines(
  state: ChartState,
  written: readonly { id: string; transition: ChartTransition }[],
  maxWidth: number,
): Line[] {
  const of = (kind: LineKind, spans: readonly Span<SpanKind>[]): Line[] => lines(kind, spans, maxWidth);
  const names = (kind: 'entry' | 'exit', actions: readonly string[]): Line[] =>
    actions.length === 0 ? [] : of(kind, [span('word', `${kind} / `), span('action', actions.join(', '))]);
  return [
    ...of('title', [
      span('text', plain(state.key) || '(no name)'),
      ...(state.type === 'history' ? [{ kind: 'word' as const, text: ' (history)' }] : []),
    ]),
    ...(state.description === null ? [] : of('description', [span('text', state.description)])),
    ...(state.waitsFor === null ? [] : of('waits', [span('word', 'waits for '), span('text', state.waitsFor)])),
    ...state.invokes.flatMap(({ src }) => of('invoke', [span('text', src)]).slice(0, 1)),
    ...names('entry', state.entry),
    ...names('exit', state.exit),
    ...(state.tags.length === 0 ? [] : of('tags', [span('text', state.tags.map((tag) => `#${tag}`).join(' '))])),
    ...written.flatMap(({ id, transition }) => transitionLines(transition, state.invokes, { id, maxWidth })),
  ];
}

/** A transition in words: the event, then what must hold, then what is done. */
export function transitionLines(
  { event, guard, actions, targets }: ChartTransition,
  invokes: readonly ChartInvoke[],
  { id, maxWidth }: Readonly<{ id: string; maxWidth: number }>,
): Line[] {
  const ignored = actions.length === 0 && targets.length === 0;
  const spans = [
    span('event', `${eventWords(event, invokes)} `),
    ...(guard === null ? [] : [span('guard', `[${guard}] `)]),
    ...(actions.length === 0 ? [] : [span('action', `/ ${actions.join(', ')}`)]),
    ...(ignored ? [span('word', 'ignored')] : []),
  ];
  return lines('transition', spans, maxWidth).map((line) => ({ ...line, transition: id }));
}

/** Lines one below the other, with room around them: a block at the origin. */
export function stacked(content: readonly Line[], padding: Readonly<{ x: number; y: number }>): Block {
  const placed: PlacedLine[] = [];
  let y = padding.y;
  for (const [index, line] of content.entries()) {
    const font = FONTS[line.kind];
    y += gapBetween(content[index - 1], line);
    const continues = line.kind === 'transition' && content[index - 1]?.transition === line.transition;
    const indent = line.kind === 'invoke' ? PILL_PADDING : continues ? HANGING : 0;
    const width = lineWidth(line) + (line.kind === 'invoke' ? 2 * PILL_PADDING : indent);
    const text = { x: padding.x + indent, y: y + font.lineHeight / 2 + font.size * 0.35 };
    placed.push({ ...line, x: padding.x, y, width, height: font.lineHeight, text });
    y += font.lineHeight;
  }
  const width = Math.max(0, ...placed.map((line) => line.width)) + 2 * padding.x;
  return { x: 0, y: 0, width, height: y + padding.y, lines: placed };
}

/** A block that has been moved. */
export function moved(block: Block, by: Point): Block {
  const to = <Place extends Point>(place: Place): Place => ({ ...place, x: place.x + by.x, y: place.y + by.y });
  return { ...to(block), lines: block.lines.map((line) => ({ ...to(line), text: to(line.text) })) };
}

function gapBetween(before: Line | undefined, line: Line): number {
  if (before === undefined) return 0;
  if (before.kind === 'invoke' && line.kind === 'invoke') return PILL_GAP;
  if (before.kind === 'title' || before.kind === line.kind) return line.kind === 'invoke' ? GROUP_GAP : 0;
  return before.kind === 'entry' && line.kind === 'exit' ? 0 : GROUP_GAP;
}

function lines(kind: LineKind, spans: readonly Span<SpanKind>[], maxWidth: number): Line[] {
  const width = maxWidth - (kind === 'invoke' ? 2 * PILL_PADDING : kind === 'transition' ? HANGING : 0);
  return wrapped(spans, FONTS[kind], { maxWidth: width, maxLines: kind === 'invoke' ? 1 : MAX_LINES }).map(
    (lineSpans) => ({ kind, spans: lineSpans, transition: null }),
  );
}

/** A slash stays with what it stands before. */
function span(kind: SpanKind, text: string): Span<SpanKind> {
  const trailing = text.endsWith(' ') ? ' ' : '';
  return { kind, text: plain(text).replace(/^\/ /, '/\u00a0') + trailing };
}

function lineWidth({ kind, spans }: Line): number {
  return Math.ceil(spans.reduce((sum, { text }) => sum + widthOf(text, FONTS[kind]), 0));
}

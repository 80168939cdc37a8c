import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { block } from '../../src/cli/block.ts';
import { createExecOutput } from '../../src/cli/exec-output.ts';
import { render } from '../../src/cli/render.ts';
import { requestLines } from '../../src/cli/request-lines.ts';
import { type Paint, paintFor } from '../../src/cli/terminal.ts';
import { display } from '../../src/policy/display.ts';
import { shellArgv } from '../../src/policy/shell-argv.ts';
import type { EventBody, SessionEvent } from '../../src/protocol/events.ts';
import type { SessionRequest } from '../../src/protocol/requests.ts';
import { DISPLAY_STRINGS } from './display-strings.ts';

const COLUMNS = 80;
const ROWS = 1_000;
/** The label, a blank, and the bar. */
const MARGIN = 10;

/** A real terminal with colours, as far as what is shown depends on it. */
const SCREEN = Object.assign(new PassThrough(), { isTTY: true, columns: COLUMNS, hasColors: () => true });
const paint: Paint = paintFor(SCREEN, {});
const ENVELOPE = { seq: 1, epoch: 0, time: '', sessionId: 'S', path: [{ sessionId: 'S', kind: 'root' }] };

type Drawn = Readonly<{
  rows: readonly string[];
  screen: string;
  cursor: readonly number[];
  title: string;
  answered: string;
}>;

/** What a terminal shows once this was written to it. */
function draw(text: string): Promise<Drawn> {
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true, convertEol: true });
  let title = '';
  let answered = '';
  terminal.onTitleChange((given) => (title = given));
  terminal.onData((data) => (answered += data));
  return new Promise((resolve) =>
    terminal.write(text, () => {
      const { active } = terminal.buffer;
      const rows = Array.from({ length: active.cursorY }, (_, at) => active.getLine(at)?.translateToString(true) ?? '');
      resolve({ rows, screen: active.type, cursor: [active.cursorX, active.baseY], title, answered });
      terminal.dispose();
    }),
  );
}

/** Everything of ours in which a text of somebody else's stands, between two lines that are all ours. */
function scene(text: string): string {
  const request: SessionRequest = {
    ...ENVELOPE,
    ...{ id: 'req_1', boundTo: 'hash', reason: display(text) },
    subject: {
      kind: 'command',
      argv: shellArgv(text),
      shown: display(text),
      cwd: `/w/${text}`,
      sandbox: 'none',
      escalated: true,
    },
  };
  const events: readonly EventBody[] = [
    {
      type: 'item.started',
      item: {
        id: 'c',
        type: 'command_execution',
        callId: 'c',
        command: text,
        cwd: text,
        exitCode: null,
        output: '',
        status: 'in_progress',
      },
    },
    {
      type: 'item.completed',
      item: {
        id: 'c',
        type: 'command_execution',
        callId: 'c',
        command: text,
        cwd: text,
        exitCode: 1,
        output: text,
        status: 'failed',
      },
    },
    {
      type: 'item.completed',
      item: { id: 't', type: 'tool_call', callId: 't', name: text, arguments: text, output: text, status: 'failed' },
    },
    {
      type: 'item.completed',
      item: { id: 'f', type: 'file_change', callId: 'f', changes: [{ path: text, kind: 'add' }], status: 'completed' },
    },
    {
      type: 'item.completed',
      item: { id: 'p', type: 'todo_list', callId: 'p', plan: [{ step: text, status: 'pending' }], status: 'completed' },
    },
    { type: 'item.completed', item: { id: 'r', type: 'reasoning', text } },
    { type: 'warning.raised', code: 'odd', message: text },
  ];
  const view = { paint, cwd: '/w' };
  const all = [
    ...block('first', ['all ours'], paint),
    ...requestLines(request, paint),
    // The envelope of each of the two halves of the union fits both.
    ...events.flatMap((event) => render({ ...ENVELOPE, ...event } as SessionEvent, view)),
    ...events.flatMap((event) =>
      render(
        { ...ENVELOPE, ...event, path: [...ENVELOPE.path, { sessionId: 'T', kind: 'review' }] } as SessionEvent,
        view,
      ),
    ),
    ...block('last', ['all ours'], paint),
  ];
  return `${all.join('\n')}\n`;
}

/** A message of the model, in pieces as it comes, on a screen on which requests are shown, too. */
function message(text: string): string {
  let shown = '';
  const write = (part: string) => {
    shown += part;
  };
  const output = createExecOutput({
    answer: write,
    beside: write,
    isOneScreen: true,
    isAsking: true,
    view: { paint, cwd: '/w' },
  });
  const tell = (body: EventBody) => output.show({ ...ENVELOPE, ...body } as SessionEvent); // Likewise.
  tell({ type: 'item.started', item: { id: 'm', type: 'agent_message', text: '' } });
  for (const delta of text.match(/[\s\S]{1,3}/g) ?? []) tell({ type: 'item.delta', itemId: 'm', delta });
  tell({ type: 'item.completed', item: { id: 'm', type: 'agent_message', text } });
  tell({ type: 'warning.raised', code: 'ours', message: 'all ours' });
  return shown;
}

/** Labels that are ours; a row of a sub-session begins with who speaks. */
const OURS = /^(?:review › )?(?: {8}|[ a-z]{8}) │(?: |$)/;

function problemsOf({ rows, screen, cursor, title, answered }: Drawn, labels: readonly string[]): readonly string[] {
  const shown = rows
    .map((row) =>
      row
        .replace(/^review › /, '')
        .slice(0, MARGIN - 2)
        .trim(),
    )
    .filter((label) => label !== '');
  return [
    ...rows.filter((row) => !OURS.test(row.padEnd(MARGIN))).map((row) => `not in its place: ${row}`),
    ...(JSON.stringify(shown) === JSON.stringify(labels) ? [] : [`labels: ${shown.join(' ')}`]),
    ...(screen === 'normal' ? [] : ['the other screen']),
    ...(cursor[0] === 0 && cursor[1] === 0 ? [] : [`the cursor at ${cursor.join()}`]),
    ...(title === '' ? [] : [`the title ${title}`]),
    ...(answered === '' ? [] : [`the terminal answered ${JSON.stringify(answered)}`]),
  ];
}

const labelsOf = async (text: string) =>
  (await draw(text)).rows
    .map((row) =>
      row
        .replace(/^review › /, '')
        .slice(0, MARGIN - 2)
        .trim(),
    )
    .filter((label) => label !== '');

describe('a screen', async () => {
  const sceneLabels = await labelsOf(scene('harmless'));
  const messageLabels = ['agent', 'warning'];

  it('is what these tests look at', () => {
    expect([DISPLAY_STRINGS.length >= 60, sceneLabels.slice(0, 3), sceneLabels.at(-1)]).toEqual([
      true,
      ['first', 'request', 'command'],
      'last',
    ]);
  });

  it.each(DISPLAY_STRINGS)('keeps its margins around %s', async (_, text) => {
    expect(problemsOf(await draw(scene(text)), sceneLabels)).toEqual([]);
    expect(
      problemsOf(await draw(message(text)), text.trim() === '' ? ['warning'] : messageLabels).filter(
        (problem) => !/^labels: (?:agent )?warning$/.test(problem),
      ),
    ).toEqual([]);
  });

  it('is harmed by the same strings when they are written as they are', async () => {
    const harmed = await Promise.all(
      DISPLAY_STRINGS.map(async ([name, text]) => {
        const drawn = await draw(` first │ all ours\n   agent │ ${text}\n    last │ all ours\n`);
        return problemsOf(drawn, ['first', 'agent', 'last']).length > 0 || drawn.rows.length !== 3 ? [name] : [];
      }),
    );
    expect(harmed.flat().length).toBeGreaterThan(DISPLAY_STRINGS.length / 2);
  });

  it('keeps its margins around any text', async () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(...DISPLAY_STRINGS.map(([, text]) => text.slice(0, 100))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        const drawn = await draw(message(pieces.join('')));
        expect(problemsOf(drawn, []).filter((problem) => !/^labels: (?:agent )*warning$/.test(problem))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { Item, SessionEvent } from '../../src/index.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { nextOf, rig } from '../session/rig.ts';
import { gitStage } from '../workspace/git-stage.ts';

const FOUND = {
  findings: [
    {
      title: 'Sum starts at one',
      body: 'An empty list gives 1.\nIt should give 0.',
      confidence_score: 0.9,
      priority: 1,
      code_location: { absolute_file_path: '/work/sum.js', line_range: { start: 10, end: 20 } },
    },
  ],
  overall_correctness: 'patch is incorrect',
  overall_explanation: 'One bug.',
  overall_confidence_score: 0.8,
};
const FINDING = {
  title: 'Sum starts at one',
  body: 'An empty list gives 1.\nIt should give 0.',
  confidence: 0.9,
  priority: 1,
  file: 'sum.js',
  lines: { start: 10, end: 20 },
};
const TEXT = `One bug.

Review comment:

- Sum starts at one — sum.js:10-20
  An empty list gives 1.
  It should give 0.`;

const custom = (instructions: string) => ({ type: 'custom', instructions }) as const;
const reviews = (events: readonly SessionEvent[]) =>
  events.flatMap((event) =>
    (event.type === 'item.started' || event.type === 'item.completed') && event.item.type === 'review'
      ? [[event.type, event.item.status]]
      : [],
  );
/** A session whose reviewer answers so, in a directory that is no repository. */
const reviewing = (answer: ScriptEntry | string, more: readonly ScriptEntry[] = []) =>
  rig({ script: [typeof answer === 'string' ? { say: answer } : answer, ...more], cwd: '/work' });
const outputOf = (items: readonly Item[]) => items.find((item) => item.type === 'review');

describe('a review', () => {
  it('has a sub-session of its own look, and gives what it found as data, as an item, and as one message', async () => {
    const { session, model, events } = reviewing(JSON.stringify(FOUND));
    const outcome = await session.review(custom('Look at sum.js.')).outcome;
    expect(outcome).toEqual(
      expect.objectContaining({
        status: 'completed',
        findings: [FINDING],
        correctness: 'patch is incorrect',
        explanation: 'One bug.',
        answer: TEXT,
      }),
    );
    const own = events.filter(({ path }) => path.length === 1);
    const messages = own.flatMap((event) =>
      event.type === 'item.completed' && event.item.type === 'agent_message' ? [event.item.text] : [],
    );
    expect([reviews(events), messages]).toEqual([
      [
        ['item.started', 'in_progress'],
        ['item.completed', 'completed'],
      ],
      [TEXT],
    ]);
    const [request] = model.requests;
    expect([request?.history, request?.tools.map(({ name }) => name)]).toEqual([
      [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Look at sum.js.' }] }],
      ['shell', 'update_plan'],
    ]);
    await session.close();
  });

  it('is announced before its sub-session can say anything, which may only read', async () => {
    const { session, events } = reviewing('fine');
    await session.review(custom('Look.')).outcome;
    const begun = events.findIndex((event) => event.type === 'item.started' && event.item.type === 'review');
    const opened = events.findIndex(({ path }) => path.length === 2);
    const started = events.find((event) => event.type === 'task.started' && event.path.length === 2);
    expect([begun < opened, started?.type === 'task.started' && started.context.sandbox]).toEqual([true, 'read-only']);
    await session.close();
  });

  it('shows its sub-session nothing of the history, and the history nothing of it but what it found', async () => {
    const { session, model } = rig({
      script: [{ say: 'hello' }, { say: JSON.stringify(FOUND) }, { say: 'ok' }],
      cwd: '/work',
    });
    await session.run('secret plans').outcome;
    await session.review(custom('Look at sum.js.')).outcome;
    await session.run('mend it').outcome;
    const shown = (request: ModelRequest | undefined) => JSON.stringify(request?.history);
    expect(shown(model.requests[1])).not.toContain('secret plans');
    expect(model.requests[2]?.history.slice(2)).toEqual([
      {
        type: 'message',
        role: 'user',
        content: [
          {
            type: 'text',
            text: '<review_of_changes>\nThe user had this reviewed: Look at sum.js.. What the reviewer said follows; the user may want some of it mended.\n</review_of_changes>',
          },
        ],
      },
      { type: 'message', role: 'assistant', text: TEXT },
      { type: 'message', role: 'user', content: [{ type: 'text', text: 'mend it' }] },
    ]);
    await session.close();
  });

  it.each([
    ['JSON within words', `Here it is:\n\`\`\`json\n${JSON.stringify(FOUND)}\n\`\`\`\nBye.`, [FINDING], 'One bug.'],
    ['words', 'Looks good to me.', [], 'Looks good to me.'],
    ['half of a JSON', '{"findings": [{"title": "a', [], '{"findings": [{"title": "a'],
    [
      'JSON of wrong types',
      JSON.stringify({
        findings: [
          { title: 5, body: 'It breaks.', priority: 'high', code_location: 'sum.js' },
          7,
          { title: '', body: '' },
        ],
        overall_explanation: 'Hm.',
        overall_confidence_score: 'sure',
      }),
      [{ title: 'It breaks.', body: 'It breaks.', confidence: 0, priority: 3, file: '', lines: { start: 0, end: 0 } }],
      'Hm. 2 of the findings could not be read.',
    ],
    ['JSON that is no review', '{"answer": 42}', [], '{"answer": 42}'],
  ])('takes an answer of %s', async (_, answer, findings, explanation) => {
    const { session } = reviewing(answer);
    const outcome = await session.review(custom('Look.')).outcome;
    expect(outcome).toEqual(expect.objectContaining({ status: 'completed', findings, explanation }));
    await session.close();
  });

  it('keeps the start and the end of ten megabytes of words', async () => {
    const { session } = reviewing(`begin ${'x'.repeat(10_000_000)} end`);
    const outcome = await session.review(custom('Look.')).outcome;
    const explanation = 'explanation' in outcome ? outcome.explanation : '';
    expect([explanation.length < 40_000, explanation.startsWith('begin'), explanation.endsWith('end')]).toEqual([
      true,
      true,
      true,
    ]);
    await session.close();
  });

  it.each([
    ['fails', { fail: { code: 'model-error', message: 'No.' } } as const, 'model-error', 'The reviewer failed: No.'],
    ['says nothing', { say: '' }, 'invalid-output', 'The reviewer ended without a word. Start the review again.'],
  ])('has failed, and is not interrupted, when its reviewer %s', async (_, entry, code, message) => {
    const { session, events } = reviewing(entry);
    const outcome = await session.review(custom('Look.')).outcome;
    expect([outcome, reviews(events).at(-1)]).toEqual([
      expect.objectContaining({ status: 'failed', error: { code, message, retryable: false } }),
      ['item.completed', 'failed'],
    ]);
    await session.close();
  });

  it('is interrupted by an abort: the item says so, and so does the history', async () => {
    const { session, events } = reviewing({ hang: true });
    const task = session.review(custom('Look.'));
    await nextOf(session, 'step.started');
    const receipt = await task.abort();
    expect([receipt.outcome, receipt.sessions.length, reviews(events).at(-1)]).toEqual([
      'aborted',
      1,
      ['item.completed', 'interrupted'],
    ]);
    expect(JSON.stringify(session.entries())).toContain('The review was interrupted; there are no findings.');
    await session.close();
  });

  it('is interrupted, and has failed, when its reviewer is stopped alone', async () => {
    const { session, events } = reviewing({ hang: true });
    const task = session.review(custom('Look.'));
    await nextOf(session, 'step.started');
    await session.children()[0]?.interrupt();
    const outcome = await task.outcome;
    expect([outcome, reviews(events).at(-1)]).toEqual([
      expect.objectContaining({ status: 'failed', error: expect.objectContaining({ code: 'sub-session-failed' }) }),
      ['item.completed', 'interrupted'],
    ]);
    await session.close();
  });

  it('asks at the root what its reviewer wants to run, and goes on with the decision', async () => {
    const asked: [number, string][] = [];
    const { session } = rig({
      script: [
        {
          call: {
            name: 'shell',
            arguments: { command: 'rm -rf /work', with_escalated_permissions: true, justification: 'x' },
          },
        },
        { say: JSON.stringify(FOUND) },
      ],
      cwd: '/',
      onRequest(request) {
        asked.push([request.path.length, request.subject.kind]);
        return 'denied';
      },
    });
    const outcome = await session.review(custom('Look.')).outcome;
    expect([outcome.status, asked]).toEqual(['completed', [[2, 'command']]]);
    await session.close();
  });

  it('refuses an empty target', () => {
    const { session } = reviewing('fine');
    expect(() => session.review(custom(' '))).toThrow(
      'Invalid input for "review": target.instructions: expected some words',
    );
  });
});

describe('the changes to review', () => {
  const promptFor = async (cwd: string, target: Parameters<ReturnType<typeof rig>['session']['review']>[0]) => {
    const { session, model, events } = rig({ script: [{ say: 'fine' }], cwd });
    const outcome = await session.review(target).outcome;
    await session.close();
    const hint = outputOf(session.history());
    const [first] = model.requests[0]?.history ?? [];
    const text =
      first?.type === 'message' && first.role === 'user' && first.content[0]?.type === 'text'
        ? first.content[0].text
        : '';
    return { text, outcome, hint: hint?.type === 'review' ? hint.hint : null, last: reviews(events).at(-1)?.[1] };
  };

  it('are what is not committed, with the names of new files', async () => {
    const stage = await gitStage();
    await stage.write('a', 'one\n');
    stage.plain('add', '--all');
    stage.plain('commit', '--quiet', '--message', 'one');
    await stage.write('a', 'two\n');
    await stage.write('b "x"', 'new\n');
    const { text, hint } = await promptFor(stage.root, undefined);
    expect([hint, text.includes('-one\n+two\n'), text.includes('"b \\"x\\""')]).toEqual([
      'current changes',
      true,
      true,
    ]);
  });

  it('are those since a branch was left: the merge base is found for the reviewer', async () => {
    const stage = await gitStage();
    await stage.write('a', 'one\n');
    stage.plain('add', '--all');
    stage.plain('commit', '--quiet', '--message', 'one');
    const base = stage.plain('rev-parse', 'HEAD').trim();
    stage.plain('checkout', '--quiet', '-b', 'side');
    await stage.write('a', 'two\n');
    stage.plain('commit', '--quiet', '--all', '--message', 'two');
    stage.plain('checkout', '--quiet', 'main');
    await stage.write('c', 'three\n');
    stage.plain('add', '--all');
    stage.plain('commit', '--quiet', '--message', 'three');
    stage.plain('checkout', '--quiet', 'side');
    const { text, hint } = await promptFor(stage.root, { type: 'base-branch', branch: 'main' });
    expect([
      hint,
      text.includes(`The merge base is ${base}.`),
      text.includes('-one\n+two\n'),
      text.includes('three'),
    ]).toEqual(["changes against 'main'", true, true, false]);
  });

  it('are those of a commit, the first one too', async () => {
    const stage = await gitStage();
    await stage.write('a', 'one\n');
    stage.plain('add', '--all');
    stage.plain('commit', '--quiet', '--message', 'one');
    const sha = stage.plain('rev-parse', 'HEAD').trim();
    const { text, hint } = await promptFor(stage.root, { type: 'commit', sha, title: 'one' });
    expect([hint, text.includes('+one\n')]).toEqual([`commit ${sha.slice(0, 7)}: one`, true]);
  });

  it('are not found when a name stands for nothing: the review fails, saying so, and nobody is asked', async () => {
    const stage = await gitStage();
    await stage.write('a', 'one\n');
    stage.plain('add', '--all');
    stage.plain('commit', '--quiet', '--message', 'one');
    const { outcome, last } = await promptFor(stage.root, { type: 'base-branch', branch: 'nowhere' });
    expect([outcome, last]).toEqual([
      expect.objectContaining({
        status: 'failed',
        error: expect.objectContaining({
          code: 'invalid-input',
          message: expect.stringContaining('Expected "nowhere" to name a commit, it names none.'),
        }),
      }),
      'failed',
    ]);
  });

  it('are looked for by the reviewer where there is no repository', async () => {
    const stage = await gitStage();
    const { text, outcome } = await promptFor(`${stage.root}/..`, undefined);
    expect([outcome.status, text.includes('there is no git repository here')]).toEqual(['completed', true]);
  });
});

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool, pathText, type SessionRequest } from '../../src/index.ts';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { rig } from './rig.ts';

const DEPTH = 8;

/** A tree eight deep: at the bottom a model calls a tool that asks; beside it, at each level, a sub-session streams. */
function stage(calls: number) {
  let works = 0;
  let ran = 0;
  const guarded = defineTool({
    name: 'guarded',
    description: 'Runs when it is allowed to.',
    input: z.object({ number: z.number() }),
    parallel: true,
    check: ({ number }) => ({
      verdict: 'ask',
      key: `guarded ${number}`,
      subject: {
        kind: 'command',
        argv: ['run', `${number}`],
        shown: `run ${number}`,
        cwd: '/',
        sandbox: 'none',
        escalated: false,
      },
    }),
    execute: () => `ran ${++ran}`,
  });
  const nest = defineTask({
    input: z.object({ level: z.number() }),
    async work({ level }, ports) {
      works += 1;
      const beside = ports.delegate({ input: 'stream', as: `sibling-${level}` });
      const below =
        level < DEPTH - 1
          ? ports.delegate({ kind: 'nest', input: { level: level + 1 } })
          : ports.delegate({ input: 'ask', as: 'bottom' });
      return { ended: (await Promise.all([beside, below])).map(({ status }) => status) };
    },
  });
  const asking: ScriptEntry[] = [
    { call: Array.from({ length: calls }, (_, at) => ({ name: 'guarded', arguments: { number: at + 1 } })) },
    { say: 'done' },
  ];
  const stand = rig({
    script: {
      lanes: { ask: asking, stream: Array.from({ length: DEPTH }, () => ({ say: ['a', 'b', 'c'] })) },
      pick: ({ history }) => (JSON.stringify(history[0]).includes('"ask"') ? 'ask' : 'stream'),
    },
    tasks: { nest },
    tools: [guarded],
    limits: { depthMax: DEPTH },
    onRequest: () => undefined,
  });
  const requests: SessionRequest[] = [];
  const enough = Promise.withResolvers<void>();
  stand.session.requests$.subscribe((request) => {
    requests.push(request);
    if (requests.length === calls) enough.resolve();
  });
  return { ...stand, requests, asked: enough.promise, counts: () => ({ works, ran }) };
}

describe('a request from eight levels below', () => {
  it('is seen at the root with its whole path while others stream, and its answer runs the call and nothing again', async () => {
    const { session, requests, asked, counts, events } = stage(1);
    const task = session.start('nest', { level: 0 });
    await asked;
    const [request] = requests;
    expect([request?.path.length, pathText(request?.path ?? []), session.pending().map(({ id }) => id)]).toEqual([
      DEPTH + 1,
      ['root', ...Array.from({ length: DEPTH - 1 }, () => 'nest'), 'bottom'].join('/'),
      [request?.id],
    ]);
    const before = counts();
    const answered = session.answer(request?.id ?? '', 'approved');
    const outcome = await task.outcome;
    const streamed = events.filter(
      (event) => event.type === 'item.delta' && event.path.at(-1)?.kind.startsWith('sibling'),
    ).length;
    expect([answered, outcome.status, before, counts(), streamed]).toEqual([
      'accepted',
      'completed',
      { works: DEPTH, ran: 0 },
      { works: DEPTH, ran: 1 },
      3 * DEPTH,
    ]);
    await session.close();
  });

  it('is withdrawn, with the other one that is open, when the root is aborted: nothing runs, and a late answer is told so', async () => {
    const { session, requests, asked, counts, events } = stage(2);
    const task = session.start('nest', { level: 0 });
    await asked;
    const receipt = await task.abort();
    const ends = events.flatMap((event) => (event.type === 'request.resolved' ? [event.resolution] : []));
    expect([
      receipt.outcome,
      ends,
      session.pending(),
      requests.map(({ id }) => session.answer(id, 'approved')),
      counts(),
    ]).toEqual([
      'aborted',
      [
        { how: 'withdrawn', why: 'aborted' },
        { how: 'withdrawn', why: 'aborted' },
      ],
      [],
      ['withdrawn', 'withdrawn'],
      { works: DEPTH, ran: 0 },
    ]);
    await session.close();
  });
});

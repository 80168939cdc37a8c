import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, type SessionEvent } from '../../src/index.ts';
import { processesWith } from '../process/survivors.ts';
import { rounds } from '../rounds.ts';
import { next, nextOf, rig } from './rig.ts';

const REPEATS = rounds(200);
/** How many run at once: commands cost processes, the rest costs nothing. */
const COMMANDS_AT_ONCE = 20;
const OTHERS_AT_ONCE = 50;

const mark = randomUUID();
const env = { PATH: process.env.PATH, LC_TEST: mark };
const open = { sandbox: 'danger-full-access', rollout: 'fast', env } as const;

const deaf = defineTask({ input: z.object({}), work: () => new Promise<object>(() => {}) });

const command = (text: string) => [{ call: { name: 'shell', arguments: { command: text, timeout_ms: 900_000 } } }];
const begun = (event: SessionEvent) => event.type === 'item.delta' && event.delta.includes('begun');

/** Begins something that would last for ever, and says when it is under way. */
const scenarios = {
  'a hanging stream': () => {
    const { session, events } = rig({ script: [{ say: 'Well', hang: true }], ...open });
    const under = next(session, ({ type }) => type === 'item.delta');
    return { session, events, task: session.run('wait'), under };
  },
  'sleep 600': () => {
    const { session, events } = rig({ script: command('echo begun; sleep 600'), ...open });
    return { session, events, under: next(session, begun), task: session.run('sleep') };
  },
  "trap '' TERM; sleep 600 & sleep 600": () => {
    const { session, events } = rig({ script: command("trap '' TERM; echo begun; sleep 600 & sleep 600"), ...open });
    return { session, events, under: next(session, begun), task: session.run('sleep') };
  },
  'an open request': () => {
    const script = command(`touch /tmp/troupe-never-${mark}`);
    const { session, events } = rig({
      script,
      approvalPolicy: 'untrusted',
      rollout: 'fast',
      env,
      onRequest: () => undefined,
    });
    return { session, events, under: nextOf(session, 'request.opened'), task: session.run('ask') };
  },
  'work that ignores everything': () => {
    const { session, events } = rig({ tasks: { deaf }, rollout: 'fast' });
    return { session, events, under: nextOf(session, 'task.started'), task: session.start('deaf', {}) };
  },
};

async function abortOnce(begin: (typeof scenarios)[keyof typeof scenarios]) {
  const { session, events, task, under } = begin();
  await under;
  const receipt = await task.abort();
  const seen = events.length;
  await session.close();
  const calls = session.entries().filter(({ type }) => type === 'call').length;
  return {
    outcome: receipt.outcome,
    survivors: receipt.processes.survivors,
    terminals: events.filter(({ type }) => /^task\.(completed|failed|aborted)$/.test(type)).map(({ type }) => type),
    later: events.slice(seen).map(({ type }) => type),
    open: session.pending().length + calls - session.entries().filter(({ type }) => type === 'output').length,
  };
}

describe.each(Object.entries(scenarios))('an abort of %s', (name, begin) => {
  it(`ends it once, with a receipt, no survivor and no effect afterwards, ${REPEATS} times`, {
    timeout: 180_000,
  }, async () => {
    const atOnce = name.includes('sleep') ? COMMANDS_AT_ONCE : OTHERS_AT_ONCE;
    for (let done = 0; done < REPEATS; done += atOnce) {
      const all = await Promise.all(Array.from({ length: Math.min(atOnce, REPEATS - done) }, () => abortOnce(begin)));
      const expected = {
        outcome: 'aborted',
        survivors: 0,
        terminals: ['task.aborted'],
        later: ['session.closed'],
        open: 0,
      };
      expect(all).toEqual(all.map(() => expected));
      expect(await processesWith(`LC_TEST=${mark}`)).toEqual([]);
    }
  });
});

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTool, type Model, resumeSession, TroupeError } from '../../src/index.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { seededRng } from '../../src/testing/seeded-rng.ts';
import { brokenByCalls } from '../simulation/laws.ts';
import { nextOf, rig } from './rig.ts';

const NEWLINE = 0x0a;

/** A log with two turns, and a third that was never finished. */
async function crashed(): Promise<{ id: string; bytes: Buffer }> {
  const lasts = defineTool({
    name: 'lasts',
    description: 'Lasts.',
    input: z.object({}),
    execute: (_, { signal }) =>
      new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('stopped'))),
  });
  const plan = { name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } };
  const { session, log } = rig({
    script: [
      { call: [plan, plan] },
      { say: 'one' },
      { call: plan },
      { say: 'two' },
      { say: 'I begin.', call: [{ name: 'lasts', arguments: {} }, plan] },
    ],
    tools: [lasts],
  });
  await session.run('first').outcome;
  await session.run('second').outcome;
  const task = session.run('third');
  await nextOf(session, 'step.completed');
  await expect.poll(() => log.read(session.id).at(-1)?.type).toBe('item.started');
  const bytes = Buffer.from(log.bytes(session.id));
  await task.abort();
  await session.close();
  return { id: session.id, bytes };
}

type Rng = ReturnType<typeof seededRng>;

/** What may happen to a file: the lines are those of it, without their line feeds. */
const DAMAGES: Readonly<Record<string, (bytes: Buffer, lines: readonly Buffer[], rng: Rng) => Buffer>> = {
  'a bit is flipped'(bytes, _, rng) {
    const copy = Buffer.from(bytes);
    const at = rng.integer(0, copy.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << rng.integer(0, 7));
    return copy;
  },
  'it is cut': (bytes, _, rng) => bytes.subarray(0, rng.integer(0, bytes.length)),
  'its end is zeros': (bytes, _, rng) => Buffer.concat([bytes, Buffer.alloc(rng.integer(1, 5_000))]),
  'a line is lost': (_, lines, rng) => joined(lines.toSpliced(rng.integer(0, lines.length - 1), 1)),
  'some lines are lost': (_, lines, rng) =>
    joined(lines.toSpliced(rng.integer(0, lines.length - 1), rng.integer(2, 9))),
  'a line is there twice'(_, lines, rng) {
    const at = rng.integer(0, lines.length - 1);
    return joined(lines.toSpliced(at, 0, lines[at] ?? Buffer.alloc(0)));
  },
  'two lines have changed places'(_, lines, rng) {
    const at = rng.integer(0, lines.length - 2);
    return joined(lines.toSpliced(at, 2, lines[at + 1] ?? Buffer.alloc(0), lines[at] ?? Buffer.alloc(0)));
  },
  'two lines are glued'(bytes, lines, rng) {
    const at = rng.integer(1, lines.length - 1);
    const end = lines.slice(0, at).reduce((sum, line) => sum + line.length + 1, 0);
    return Buffer.concat([bytes.subarray(0, end - 1), bytes.subarray(end)]);
  },
  'there is something else in it': (_, lines, rng) =>
    joined(lines.toSpliced(rng.integer(0, lines.length), 0, Buffer.from(rng.bytes(rng.integer(1, 200))))),
  'it has the line feeds of another system': (_, lines) =>
    joined(lines.map((line) => Buffer.concat([line, Buffer.from('\r')]))),
  'it begins with a byte order mark': (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
  'it is empty': () => Buffer.alloc(0),
};

function joined(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from([NEWLINE])]));
}

function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0, end = bytes.indexOf(NEWLINE); end !== -1; start = end + 1, end = bytes.indexOf(NEWLINE, start))
    lines.push(bytes.subarray(start, end));
  return lines;
}

async function damageOf(bytes: Uint8Array): Promise<readonly string[]> {
  const report = newRecovery();
  for await (const _ of recover([bytes], report));
  return report.damage.filter(({ what }) => what !== 'torn').map(({ line, what }) => `${line} ${what}`);
}

describe('a log to which something has happened', () => {
  it.each(Object.entries(DAMAGES))(
    'opens when %s: the model is shown what fits together, and the session goes on',
    async (name, damage) => {
      const { id, bytes } = await crashed();
      const lines = linesOf(bytes);
      const rng = seededRng(name);
      for (let times = 0; times < 12; times += 1) {
        const damaged = damage(bytes, lines, rng);
        const log = memoryLogStore();
        log.put(id, damaged);
        const model = scriptedModel([{ say: 'on' }]);
        const before = await damageOf(damaged);
        let session: Awaited<ReturnType<typeof resumeSession>>;
        try {
          session = await resumeSession(id, {
            model,
            projectInstructions: false,
            checkpoints: 'off',
            world: { logStore: log },
          });
        } catch (error) {
          // Nothing of it can be read: then it is left as it is.
          expect(error).toBeInstanceOf(TroupeError);
          expect([
            Buffer.from(log.bytes(id)).equals(damaged),
            linesOf(damaged).length < 3 || name.includes('system'),
          ]).toEqual([true, true]);
          continue;
        }
        expect(await session.run('go on').outcome).toMatchObject({ status: 'completed', answer: 'on' });
        await session.close();
        expect(brokenByCalls(model.requests[0]?.history ?? [])).toEqual([]);
        // What was wrong before is still there to be seen, and nothing has come to it.
        expect(await damageOf(log.bytes(id))).toEqual(before);
        const again = await resumeSession(id, {
          model: scriptedModel([]),
          projectInstructions: false,
          checkpoints: 'off',
          world: { logStore: log },
        });
        expect([again.entries(), again.waitingOn()]).toEqual([session.entries(), []]);
        await again.close();
      }
    },
  );
});

describe('a session that another provider has written', () => {
  it('goes on with one note, and what the other had sent goes along as text', async () => {
    const first = rig({ model: sending('one', 'first'), script: [] });
    await first.session.run('begin').outcome;
    await first.session.close();
    const notes: (readonly string[])[] = [];
    const session = await resumeSession(first.session.id, {
      model: sending('two', 'second'),
      projectInstructions: false,
      checkpoints: 'off',
      world: { logStore: first.log },
    });
    session.events$.subscribe((event) => void (event.type === 'session.resumed' && notes.push(event.damage)));
    await session.run('go on').outcome;
    await session.close();
    expect(notes).toEqual([
      ['The session goes on with the model second; it was with first. What one sent is shown to two in plain form.'],
    ]);
  });
});

/** A model that puts something of its provider's own beside what it says. */
function sending(provider: string, name: string): Model {
  return {
    provider,
    name,
    contextWindow: null,
    sample: async () => ({
      status: 'completed',
      outputs: [{ type: 'message', text: 'Well.', raw: { of: provider } }],
      usage: null,
    }),
  };
}

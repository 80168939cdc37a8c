import { describe, expect, it, vi } from 'vitest';
import { forkSession, type HistoryEntry, resumeSession, type SessionOptions } from '../../src/index.ts';
import { type MemoryLogStore, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, type ReplayedState, replay } from '../../src/rollout/replay.ts';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { verifyLogsAfterwards } from '../legal-logs.ts';
import { until } from '../rollout/open-log.ts';
import { nextOf, rig } from './rig.ts';

const plan = { name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } };

/** The logs as they would be if the program ended now: what is open stays open. */
function crashed(log: MemoryLogStore): MemoryLogStore {
  const after = memoryLogStore();
  for (const id of log.sessions()) after.put(id, log.bytes(id));
  verifyLogsAfterwards(after);
  return after;
}

const options = (log: MemoryLogStore, script: readonly ScriptEntry[] = []): SessionOptions => ({
  model: scriptedModel(script),
  projectInstructions: false,
  checkpoints: 'off',
  world: { logStore: log },
});

function textsOf(entries: readonly HistoryEntry[]): readonly string[] {
  return entries.map((entry) => {
    if (entry.type === 'output') return `output: ${entry.output}`;
    if (entry.type === 'call') return `call: ${entry.name}`;
    if (entry.type !== 'message') return entry.type;
    return entry.role === 'assistant'
      ? entry.text
      : entry.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  });
}

async function stateOf(log: MemoryLogStore, id: string): Promise<ReplayedState> {
  const state = emptyState();
  for await (const record of recover([log.bytes(id)], newRecovery())) replay(state, record);
  return state;
}

describe('a session that is resumed', () => {
  it('goes on where it was: history, items, usage, and numbers without a gap', async () => {
    const first = rig({ script: [{ call: plan }, { say: 'one' }] });
    await first.session.run('begin').outcome;
    await first.session.close();
    const { id } = first.session;
    const session = await resumeSession(id, options(first.log, [{ say: 'two' }]));
    const before = [session.entries(), session.history(), session.usage, session.id];
    expect(before).toEqual([first.session.entries(), first.session.history(), first.session.usage, id]);
    const epochs: number[] = [];
    session.events$.subscribe(({ epoch }) => void epochs.push(epoch));
    await session.run('go on').outcome;
    await session.close();
    const records = first.log.read(id);
    expect([textsOf(session.entries()), new Set(epochs), records.map(({ seq }) => seq)]).toEqual([
      ['begin', 'call: update_plan', 'output: Plan updated', 'one', 'go on', 'two'],
      new Set([1]),
      records.map((_, at) => at),
    ]);
    expect(records.map(({ type }) => type).filter((type) => type.startsWith('session.'))).toEqual([
      'session.opened',
      'session.closed',
      'session.resumed',
      'session.closed',
    ]);
  });

  it('writes nothing when nothing was open and nothing is done, however often', async () => {
    const first = rig({ script: [{ say: 'one' }] });
    await first.session.run('begin').outcome;
    const log = crashed(first.log);
    const size = log.bytes(first.session.id).length;
    for (let times = 0; times < 2; times += 1) {
      const session = await resumeSession(first.session.id, options(log));
      expect([log.bytes(session.id).length, textsOf(session.entries())]).toEqual([size, ['begin', 'one']]);
      log.letGo(session.id);
    }
    await first.session.close();
  });

  it('has its calls answered, its items ended, its requests withdrawn and its task aborted, once', async () => {
    const first = rig({
      script: [
        {
          say: 'I begin.',
          call: [
            { name: 'shell', arguments: { command: 'rm -rf x', with_escalated_permissions: true, justification: 'j' } },
            plan,
          ],
        },
      ],
      onRequest: () => undefined,
    });
    const task = first.session.run('begin');
    await nextOf(first.session, 'request.opened');
    const log = crashed(first.log);
    const session = await resumeSession(first.session.id, options(log));
    const records = log.read(session.id);
    const closing = records.slice(records.findIndex(({ type }) => type === 'session.resumed'));
    expect(closing.map(({ type }) => type)).toEqual([
      'session.resumed',
      'request.resolved',
      'item.completed',
      'item.completed',
      'item.completed',
      'task.aborted',
    ]);
    expect(textsOf(session.entries())).toEqual([
      'begin',
      'I begin.',
      'call: shell',
      'call: update_plan',
      expect.stringMatching(/^output: .*(not run|not known)/),
      'output: The call was not run: the program ended before it began.',
      expect.stringContaining('The task was stopped (crashed)'),
    ]);
    expect([session.pending(), session.waitingOn(), closing.at(-1)?.payload]).toEqual([
      [],
      [],
      expect.objectContaining({ type: 'task.aborted', reason: 'crashed', kind: 'regular' }),
    ]);
    log.letGo(session.id);
    const again = await resumeSession(session.id, options(log));
    expect(log.read(session.id).length).toBe(records.length);
    await again.close();
    await task.abort();
    await first.session.close();
  });

  it('keeps what was said and no task had taken', async () => {
    const first = rig({ script: [{ hang: true }] });
    const task = first.session.run('begin');
    await nextOf(first.session, 'step.started');
    first.session.steer('and this');
    await until(first.log, 'sync', first.log.operations().filter((one) => one === 'sync').length + 1);
    const log = crashed(first.log);
    const session = await resumeSession(first.session.id, options(log, [{ say: 'ok' }]));
    await session.run('go on').outcome;
    expect(textsOf(session.entries()).slice(-3)).toEqual(['go on', 'and this', 'ok']);
    await session.close();
    expect((await stateOf(log, session.id)).inputs).toEqual(new Map());
    await task.abort();
    await first.session.close();
  });

  it('closes the logs of sub-sessions that ran', async () => {
    const nested = rig({
      script: {
        lanes: { root: [], review: [{ hang: true }] },
        pick: ({ instructions }) => (instructions?.startsWith('You review') ? 'review' : 'root'),
      },
    });
    const task = nested.session.review({ type: 'custom', instructions: 'Look.' });
    await nextOf(nested.session, 'step.started');
    const [child] = nested.session.children();
    await vi.waitUntil(() => nested.log.read(child?.id ?? '').some(({ type }) => type === 'step.started'));
    const log = crashed(nested.log);
    const session = await resumeSession(nested.session.id, options(log));
    const types = log.read(child?.id ?? '').map(({ type }) => type);
    expect([types.slice(-2), textsOf(session.entries())]).toEqual([
      ['task.aborted', 'session.closed'],
      [expect.stringContaining('The review was interrupted')],
    ]);
    await session.close();
    await task.abort();
    await nested.session.close();
  });

  it('is refused in words: no such session, one that is open, one of a newer release, and a sub-session', async () => {
    const first = rig({ script: [{ say: 'one' }] });
    await first.session.run('begin').outcome;
    await expect(resumeSession('nobody', options(first.log))).rejects.toThrow('of which there is no log');
    await expect(resumeSession(first.session.id, options(first.log))).rejects.toThrow('is open already');
    const newer = memoryLogStore();
    newer.put('s9', newerBytes());
    await expect(resumeSession('s9', options(newer))).rejects.toThrow('It was not touched.');
    expect(newer.bytes('s9')).toEqual(newerBytes());
    await first.session.close();
  });

  it('is refused before anything is touched when the options make no sense', async () => {
    const first = rig({ script: [{ say: 'one' }] });
    await first.session.run('begin').outcome;
    const log = crashed(first.log);
    const bytes = Buffer.concat([log.bytes(first.session.id), Buffer.from('{"v":1')]);
    log.put(first.session.id, bytes);
    const wrong = { limits: { graceMs: -1 } };
    await expect(resumeSession(first.session.id, { ...options(log), ...wrong })).rejects.toThrow('limits.graceMs');
    await expect(resumeSession(first.session.id, { ...options(log), rollout: 'off' })).rejects.toThrow("got 'off'");
    expect([log.isOpen(first.session.id), Buffer.from(log.bytes(first.session.id)).equals(bytes)]).toEqual([
      false,
      true,
    ]);
    await first.session.close();
  });

  it('sets aside what was never finished, skips what is damaged, and says so with the first thing it says', async () => {
    const first = rig({ script: [{ say: 'one' }, { say: 'two' }] });
    await first.session.run('begin').outcome;
    await first.session.close();
    const bytes = Buffer.from(first.log.bytes(first.session.id));
    const lines = bytes.toString('latin1').split('\n');
    const damaged = Buffer.from(
      [...lines.slice(0, 2), `${lines[2]?.slice(0, -9)}0badbad"}`, ...lines.slice(3, -1), '{"v":1,"se'].join('\n'),
      'latin1',
    );
    const log = memoryLogStore();
    log.put(first.session.id, damaged);
    const session = await resumeSession(first.session.id, options(log, [{ say: 'two' }]));
    const told: unknown[] = [];
    session.events$.subscribe((event) => void (event.type === 'session.resumed' && told.push(event.damage)));
    const outcome = await session.run('go on').outcome;
    await session.close();
    expect([outcome.status, told]).toEqual([
      'completed',
      [
        [
          expect.stringMatching(/^Line 3 of the log: Expected the line to have the checksum/),
          expect.stringMatching(/^Line 4 of the log: Expected record 2, got 3/),
          expect.stringMatching(/^Line \d+ of the log: The last line was never finished/),
        ],
      ],
    ]);
    expect(Buffer.from(log.bytes(session.id)).toString()).toMatch(/"type":"session\.closed"[^\n]*\n$/);
  });
});

describe('a fork', () => {
  async function original() {
    const first = rig({ script: [{ say: 'one' }, { say: 'two' }] });
    await first.session.run('first').outcome;
    await first.session.run('second').outcome;
    return first;
  }

  it('begins with a copy up to the n-th message of the user, and shares nothing from then on', async () => {
    const first = await original();
    const size = first.log.bytes(first.session.id).length;
    const fork = await forkSession(first.session.id, { before: 1 }, options(first.log, [{ say: 'other' }]));
    const copied = textsOf(fork.entries());
    await fork.run('else').outcome;
    await fork.close();
    expect([
      copied,
      textsOf(fork.entries()),
      textsOf(first.session.entries()),
      first.log.bytes(first.session.id).length,
    ]).toEqual([['first', 'one'], ['first', 'one', 'else', 'other'], ['first', 'one', 'second', 'two'], size]);
    const [opened, forked] = first.log.read(fork.id);
    expect([opened?.payload, forked?.type, fork.history().length]).toEqual([
      expect.objectContaining({ forkedFrom: { sessionId: first.session.id, seq: expect.any(Number) } }),
      'session.forked',
      4,
    ]);
    const again = await resumeSession(fork.id, options(first.log));
    expect([textsOf(again.entries()), again.history().length]).toEqual([['first', 'one', 'else', 'other'], 4]);
    await Promise.all([again.close(), first.session.close()]);
  });

  it('may begin after an item, and takes everything when nothing is said', async () => {
    const first = await original();
    const [, answer] = first.session.history();
    const at = await forkSession(first.session.id, { at: answer?.id ?? '' }, options(first.log));
    const whole = await forkSession(first.session.id, {}, options(first.log));
    expect([at.history().length, textsOf(whole.entries())]).toEqual([2, ['first', 'one', 'second', 'two']]);
    await expect(forkSession(first.session.id, { at: 'nothing' }, options(first.log))).rejects.toThrow(
      'Expected an item of session',
    );
    await Promise.all([at.close(), whole.close(), first.session.close()]);
  });

  it('of a task that runs marks that it was cut, and lets the task run', async () => {
    const gate = Promise.withResolvers<void>();
    const first = rig({ script: [{ call: plan }, { waitFor: gate.promise, say: 'done' }] });
    const task = first.session.run('first');
    await nextOf(first.session, 'step.completed');
    await nextOf(first.session, 'step.started');
    const fork = await forkSession(first.session.id, {}, options(first.log));
    gate.resolve();
    const outcome = await task.outcome;
    expect([textsOf(fork.entries()), outcome.status]).toEqual([
      [
        'first',
        'call: update_plan',
        'output: Plan updated',
        expect.stringContaining('The task was stopped (interrupted)'),
      ],
      'completed',
    ]);
    await Promise.all([fork.close(), first.session.close()]);
  });
});

describe('a replay', () => {
  it('gives at each record what the live session had then', async () => {
    const live: unknown[] = [];
    const { session, log } = rig({
      script: [{ call: plan }, { say: 'one' }, { hang: true }, { say: 'two' }],
    });
    session.events$.subscribe((event) => {
      if (event.seq !== null && event.path.length === 1) live[event.seq] = session.history().length;
    });
    await session.run('first').outcome;
    const task = session.run('second');
    await nextOf(session, 'step.started');
    session.steer('more');
    await task.abort();
    await session.run('third').outcome;
    await session.close();
    const state = emptyState();
    const replayed: unknown[] = [];
    for (const record of log.read(session.id)) {
      replay(state, record);
      replayed.push(state.items.length);
    }
    expect(replayed.length).toBe(live.length);
    expect([
      state.history,
      state.items,
      state.usage,
      state.tasks.size,
      state.openItems.size,
      state.inputs.size,
    ]).toEqual([session.entries(), session.history(), session.usage, 0, 0, 0]);
  });
});

function newerBytes(): Buffer {
  return Buffer.from(
    '{"v":2,"seq":0,"epoch":0,"time":"2026-11-26T00:00:00.000Z","type":"session.opened","payload":{},"crc":"00000000"}\n',
  );
}

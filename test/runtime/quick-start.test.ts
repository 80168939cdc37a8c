import { describe, expect, it } from 'vitest';
import { createActor, fromCallback, setup } from 'xstate';
import { quickStart } from '../../src/runtime/quick-start.ts';

/** A machine that notes its first actions. */
function machineOf(begun: unknown[]) {
  return setup({
    types: {} as { context: { name: string; heard: number }; input: { name: string }; events: { type: 'hear' } },
    actions: { begin: ({ context, self }, params: { loud: boolean }) => void begun.push([context, self.id, params]) },
  }).createMachine({
    id: 'greeter',
    context: ({ input }) => ({ name: input.name, heard: 0 }),
    entry: { type: 'begin', params: { loud: true } },
    type: 'parallel',
    states: {
      ears: { initial: 'open', states: { open: { on: { hear: 'shut' } }, shut: { tags: ['deaf'] } } },
      mouth: { initial: 'shut', states: { shut: {} } },
    },
  });
}

/** What two actors of the machine are at first, and after an event. */
function livesOf(machine: ReturnType<typeof machineOf>) {
  return ['Ann', 'Bea'].map((name) => {
    const actor = createActor(machine, { id: name, input: { name } }).start();
    const first = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    actor.send({ type: 'hear' });
    const later = actor.getSnapshot();
    return { first, later: [later.value, later.context, later.hasTag('deaf'), later.machine.id] };
  });
}

describe('a quick start', () => {
  it('begins as the machine does, each time', () => {
    const [plain, quick]: [unknown[], unknown[]] = [[], []];
    const lives = livesOf(quickStart(machineOf(quick)));
    expect([lives, quick]).toEqual([livesOf(machineOf(plain)), plain]);
    expect(quick).toEqual([
      [{ name: 'Ann', heard: 0 }, 'Ann', { loud: true }],
      [{ name: 'Bea', heard: 0 }, 'Bea', { loud: true }],
    ]);
  });

  it('is refused to a machine that begins with an actor', () => {
    const machine = setup({ actors: { work: fromCallback(() => {}) } }).createMachine({ invoke: { src: 'work' } });
    const actor = createActor(quickStart(machine));
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: expect.any(Error) });
  });
});

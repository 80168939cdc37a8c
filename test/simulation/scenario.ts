import * as z from 'zod';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import { defineTask } from '../../src/tasks/define-task.ts';
import { type SimulatedWorld, type WorldOptions, world } from '../../src/testing/world.ts';
import { expectLegalLogs } from '../legal-logs.ts';

/** A task that is done by a sub-session. */
export const helper = defineTask({
  input: z.object({ task: z.string() }),
  work: async ({ task }, ports) => {
    const outcome = await ports.delegate({ input: task, instructions: CHILD, as: 'helper' });
    return { inner: outcome.status };
  },
});

/** What only the sub-session is told. */
const CHILD = 'You help with one thing.';

const PATCH = ['*** Begin Patch', '*** Add File: notes/new.txt', '+hello', '*** End Patch'].join('\n');

/**
 * A session that is asked for three things. The first takes two commands, one of which is asked for and approved, and a
 * patch. The second is done by a sub-session, which asks at the root. The third would last for ever, and is aborted in
 * the middle; so is, for some seeds, the second.
 */
export async function runScenario(seed: number, options?: WorldOptions): Promise<Ran> {
  const simulated = world(seed, options);
  const { rng, clock } = simulated;
  simulated.command('ls', { output: ['a\n', 'b\n'] });
  simulated.command('touch made', () => {
    simulated.files.put('/work/made', '');
    return {};
  });
  simulated.command('make test', { output: ['1 of 2\n', '2 of 2\n'] });
  simulated.command('serve', { output: ['listening\n'], exitCode: null, onTerm: rng.pick(['ends', 'ignored']) });
  const shell = (command: string) => ({ name: 'shell', arguments: { command } });
  const model = simulated.model({
    lanes: {
      root: [
        { reason: 'Hm.', say: ['Look', 'ing.'], call: [shell('ls'), shell('touch made')] },
        { call: { name: 'apply_patch', arguments: { input: PATCH } } },
        { say: 'Done.' },
        { say: ['For ', 'ever.'], call: shell('serve') },
      ],
      child: [{ call: shell('make test') }, { say: ['All ', 'good.'] }],
    },
    pick: ({ instructions }) => (instructions?.includes(CHILD) ? 'child' : 'root'),
  });
  const session = simulated.open({
    model,
    tasks: { helper },
    async onRequest({ path }, { signal }) {
      await clock.pass(rng.integer(0, 300), 'a person to decide', signal);
      return path.length === 1 ? 'approved' : rng.pick(['approved', 'denied']);
    },
  });
  const first = await simulated.settled(session.run('Look around.').outcome);
  const second = session.start('helper', { task: 'Test it.' });
  if (rng.pick([true, false])) clock.setTimeout(() => void second.abort(), rng.integer(0, 1_000));
  const helped = await simulated.settled(second.outcome);
  const third = session.run('Serve.');
  clock.setTimeout(() => void third.abort(), rng.integer(0, 1_000));
  const served = await simulated.settled(third.outcome);
  const entries = session.entries();
  await simulated.settled(session.close());
  await simulated.run();
  await expectLegalLogs(simulated.logStore);
  return { world: simulated, sessionId: session.id, entries, outcomes: [first.status, helped.status, served.status] };
}

export type Ran = Readonly<{
  world: SimulatedWorld;
  sessionId: string;
  entries: readonly HistoryEntry[];
  outcomes: readonly string[];
}>;

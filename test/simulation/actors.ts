import * as z from 'zod';
import { pause } from '../../src/model/pause.ts';
import type { Decision, SessionRequest } from '../../src/protocol/requests.ts';
import { defineTask } from '../../src/tasks/define-task.ts';
import type { ScriptCall, ScriptStep } from '../../src/testing/script.ts';
import { type SeededRng, seededRng } from '../../src/testing/seeded-rng.ts';
import { THROWS } from './laws.ts';
import { COMMANDS, type Program } from './program.ts';

/** What the model answers next. */
export function stepOf({ faults }: Program, rng: SeededRng): ScriptStep {
  const calls = (count: number) => Array.from({ length: count }, () => callOf(faults.calls, rng));
  const steps: (() => ScriptStep)[] = [
    () => ({ say: ['All ', 'done.'] }),
    () => ({ say: 'Yes.' }),
    () => ({ reason: 'Hm.', say: 'I look.', call: calls(1) }),
    () => ({ call: calls(1) }),
    () => ({ call: calls(2) }),
    () => ({ call: calls(3) }),
  ];
  const faulty: (() => ScriptStep)[] = [
    () => ({ say: ['Half', ' of'], hang: true }),
    () => ({ fail: {} }),
    () => ({ say: 'Cut', incomplete: 'length' }),
  ];
  return rng.pick(faults.model ? [...steps, ...faulty] : steps)();
}

function callOf(mayBeWrong: boolean, rng: SeededRng): ScriptCall {
  const shell = (): ScriptCall => {
    const command = rng.pick(COMMANDS);
    return { name: 'shell', arguments: { command, ...(rng.pick([true, false]) ? { timeout_ms: 700 } : {}) } };
  };
  const patch = (): ScriptCall => {
    const lines = ['*** Begin Patch', `*** Add File: new-${rng.integer(0, 3)}`, '+x', '*** End Patch'];
    return { name: 'apply_patch', arguments: { input: lines.join('\n') } };
  };
  const calls: (() => ScriptCall)[] = [
    shell,
    shell,
    shell,
    patch,
    () => ({ name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } }),
    () => ({ name: 'spawn_agent', arguments: { message: 'Help.' } }),
    () => ({ name: 'wait_agent', arguments: { timeout_ms: 10_000 } }),
  ];
  const wrong: (() => ScriptCall)[] = [
    () => ({ name: 'unknown', arguments: {} }),
    () => ({ name: 'shell', arguments: '{broken' }),
  ];
  return rng.pick(mayBeWrong ? [...calls, ...wrong] : calls)();
}

/** Somebody who never stops anything. */
const NEVER = new AbortController().signal;

/** Opens sub-sessions and deeper ones, some of which it forgets; asks; fails; never returns; takes long to tidy up. */
const helper = defineTask({
  input: z.object({ depth: z.number(), chance: z.number() }),
  async work({ depth, chance }, ports) {
    const rng = seededRng(`helper ${chance}`);
    const isOne = (of: number) => rng.integer(1, of) === 1;
    const open = () => {
      if (depth > 0 && isOne(2))
        return ports.delegate({ kind: 'helper', input: { depth: depth - 1, chance: rng.integer(0, 2 ** 31) } });
      const consider = () => (isOne(2) ? null : 'approved');
      return ports.delegate({ input: 'Go.', ...(isOne(3) ? { consider } : {}) });
    };
    const forgets = isOne(3);
    if (forgets) open().catch(() => {});
    const outcomes = await Promise.all(Array.from({ length: rng.integer(0, 2) }, open));
    if (isOne(6)) {
      if (!forgets) ports.commit({ type: 'warning.raised', code: THROWS, message: 'The helper throws now.' });
      throw new Error('The helper failed.');
    }
    if (isOne(9)) await new Promise(() => {});
    const question = (id: number) =>
      ports.ask({ kind: 'question', questions: [{ id: `q${id}`, question: 'Really?' }] }).catch(() => {});
    if (isOne(4)) await Promise.all(Array.from({ length: rng.integer(1, 6) }, () => question(rng.integer(1, 3))));
    return { statuses: outcomes.map(({ status }) => status) };
  },
  async onAbort({ chance }, ports) {
    await pause(ports.clock, seededRng(`tidying ${chance}`).integer(0, 1_500), NEVER);
    ports.commit({ type: 'warning.raised', code: 'tidied', message: 'The helper has tidied up.' });
  },
});

const beside = defineTask({
  input: z.object({ takesMs: z.number(), heeds: z.boolean() }),
  placement: 'beside',
  async work({ takesMs, heeds }, ports, signal) {
    await pause(ports.clock, takesMs, heeds ? signal : NEVER);
    ports.commit({ type: 'warning.raised', code: 'done', message: 'The task beside is done.' });
    return {};
  },
});

/** The kinds that a program starts beside the built-in ones. One set for all, so that its charts are made once. */
export const KINDS = { helper, beside };

const DENY_ALL: Decision = { decision: 'denied', all: true };

/** What people decide. */
export function decisionFor({ subject }: SessionRequest, rng: SeededRng): Decision {
  if (subject.kind === 'question')
    return rng.pick<Decision>([{ decision: 'answered', answers: {} }, 'denied', DENY_ALL, 'abort']);
  const once: Decision = { decision: 'approved', count: 1 };
  return rng.pick<Decision>(['approved', once, 'approved-for-session', 'denied', DENY_ALL, 'abort']);
}

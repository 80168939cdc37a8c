import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf } from '../../src/inspect/chart.ts';
import { mermaid } from '../../src/inspect/mermaid.ts';
import { lifecycleSample, regionsSample } from './samples.ts';

const linesOf = (config: Parameters<typeof createMachine>[0]) =>
  mermaid(chartOf(createMachine(config)))
    .split('\n')
    .map((line) => line.trim());

it('draws boxes, final states, invoked actors, and what leads from all states of a box', () => {
  expect(mermaid(chartOf(lifecycleSample))).toBe(`---
title: "sample-task"
---
stateDiagram-v2
  %% Runs once, and stops within a bound.
  state "in any state" as sample_task_any
  sample_task_any : invokes work
  sample_task_any : note / count
  [*] --> running
  state "running" as running
  running : waits for work
  state "grace-wait" as grace_wait {
    state "grace-wait, in any state" as grace_wait_any
    [*] --> grace_wait_settling
    state "settling" as grace_wait_settling
    grace_wait_settling : invokes timer
    grace_wait_settling : task.abort (ignored)
    state "killing" as grace_wait_killing
    grace_wait_killing : entry / killWork
    grace_wait_killing : exit / keepReason
    state "over" as grace_wait_over
    grace_wait_any --> grace_wait_over : work.settled
    grace_wait_settling --> grace_wait_killing : • done(timer)<br/>• error(timer)
    grace_wait_over --> [*]
  }
  state "aborted" as aborted
  state "completed" as completed
  running --> grace_wait : • task.abort [isLate] / keepReason, cancelWork<br/>• task.kill → killing
  running --> completed : work.done
  grace_wait --> aborted : done
  grace_wait --> completed : deadline.passed (from settling)
  aborted --> [*]
  completed --> [*]
  classDef throughout stroke-dasharray: 4 4
  class sample_task_any,grace_wait_any throughout
`);
});

it('draws regions side by side and writes down what one region does to another', () => {
  expect(mermaid(chartOf(regionsSample))).toBe(`---
title: "sample-session"
---
stateDiagram-v2
  state "sample-session" as sample_session {
    state "in any state" as sample_session_any
    sample_session_any : entry / announce
    --
    state "activity" as activity {
      [*] --> activity_idle
      state "idle" as activity_idle
      state "busy" as activity_busy
      activity_busy : request.opened → awaiting
      activity_busy : op.close → the machine
      activity_idle --> activity_busy : op.start / announce
      activity_busy --> activity_busy : after 20
      activity_busy --> activity_idle : • after pause<br/>• always [isAtRest]
    }
    --
    state "attention" as attention {
      [*] --> attention_clear
      state "clear" as attention_clear
      state "awaiting" as attention_awaiting
    }
  }
  classDef throughout stroke-dasharray: 4 4
  class sample_session_any throughout
`);
});

it('gives each state a name of its own that Mermaid does not take for a word of its language', () => {
  const lines = linesOf({
    id: 'm',
    initial: 'end',
    states: {
      end: {},
      note: {},
      root: {},
      constructor: {},
      'a-b': {},
      a_b: {},
      a: { initial: 'b', states: { b: {} } },
    },
  });
  expect(lines.filter((line) => line.startsWith('state '))).toEqual([
    'state "end" as end_2',
    'state "note" as note_2',
    'state "root" as root_2',
    'state "constructor" as constructor_2',
    'state "a-b" as a_b',
    'state "a#95;b" as a_b_2',
    'state "a" as a {',
    'state "b" as a_b_3',
  ]);
});

it('writes as character references what Mermaid or Markdown would take for their own', () => {
  const lines = linesOf({
    id: 'm',
    initial: 'a',
    on: { '*': { actions: 'x' }, 'a:b;c': { actions: '<b>"{#}`' } },
    states: { a: { on: { 'a:%%': 'b' } }, b: {} },
  });
  expect(lines).toContain('m_any : #42; / x');
  expect(lines).toContain('m_any : a#58;b#59;c / #60;b#62;#34;#123;#35;#125;#96;');
  expect(lines).toContain('a --> b : a#58;#37;#37;');
});

it('draws one arrow between two states, with each label once', () => {
  const lines = linesOf({
    id: 'm',
    initial: 'a',
    states: {
      a: { on: { x: 'b', y: 'c.d', z: [{ target: 'b' }] } },
      b: {},
      c: { initial: 'd', states: { d: {}, e: {} } },
    },
  });
  expect(lines.filter((line) => line.startsWith('a -->'))).toEqual(['a --> b : • x<br/>• z', 'a --> c : y → d']);
});

it('writes down what it cannot draw: the way back to the machine, to a box around, to a region itself', () => {
  const lines = linesOf({
    id: 'm',
    type: 'parallel',
    on: { again: '#m' },
    states: { r: { initial: 'a', on: { anew: '#m.r' }, states: { a: { on: { up: '#m.r' } } } }, s: {} },
  });
  expect(lines).toContain('m_any : again → the machine');
  expect(lines).toContain('r_any : anew → r');
  expect(lines).toContain('r_a : up → r');
  expect(lines.filter((line) => line.includes('-->'))).toEqual(['[*] --> r_a']);
});

it('shows a state of history and a machine without states', () => {
  const lines = linesOf({
    id: 'm',
    initial: 'a',
    states: { a: { on: { back: 'b.last' } }, b: { initial: 'c', states: { c: {}, last: { type: 'history' } } } },
  });
  expect(lines).toContain('state "last (history)" as b_last');
  expect(linesOf({ id: 'one' }).slice(3)).toEqual(['stateDiagram-v2', '']);
});

import { expect, it } from 'vitest';
import { judgeCommand } from '../../src/policy/judge-command.ts';
import { BENIGN } from './benign-commands.ts';
import { FACTS } from './facts.ts';

/** What asks all the same: a glob, `awk` and `xargs`, which can do anything. */
const ASKING = BENIGN.filter((command) => /[*?](?![^'"]*['"])|\bawk\b|\bxargs\b/.test(command));

it('lets run unasked, where commands are confined, what agents send to look around', () => {
  const asking = BENIGN.filter((command) => judgeCommand(command, { ...FACTS, confined: true }).verdict !== 'allow');
  expect(asking).toEqual(ASKING);
  expect([BENIGN.length >= 100, asking.length / BENIGN.length < 0.1]).toEqual([true, true]);
});

it('asks about git where nothing confines it, because git runs code that a repository names', () => {
  const asking = BENIGN.filter((command) => judgeCommand(command, FACTS).verdict !== 'allow');
  expect(asking).toEqual(BENIGN.filter((command) => ASKING.includes(command) || /(?:^|[;&|\n] ?)git\b/.test(command)));
});

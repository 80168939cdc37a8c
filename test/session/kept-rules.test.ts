import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ruleStore } from '../../src/here/rule-store.ts';
import type { Decision } from '../../src/index.ts';
import { rig } from './rig.ts';

/** Plays two sessions of one user, each of which makes a file with `touch`; tells what was asked in each. */
async function twice(decide: (suggested: readonly string[]) => Decision) {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-rules-')));
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-home-')));
  onTestFinished(() => {
    for (const path of [cwd, home]) rmSync(path, { recursive: true });
  });
  const store = ruleStore(home);
  const sessions: { asked: unknown[]; warnings: string[] }[] = [];
  while (sessions.length < 2) {
    const asked: unknown[] = [];
    const { session, events } = rig({
      script: [{ call: { name: 'shell', arguments: { command: 'mkdir -p made' } } }, { say: 'Done.' }],
      cwd,
      home,
      approvalPolicy: 'untrusted',
      commandRules: async () => (await store.read()).rules,
      keepCommandRule: async (rule) => {
        const kept = await store.add(rule);
        return kept.status === 'not-kept' ? kept.why : null;
      },
      onRequest({ subject }) {
        const suggested = subject.kind === 'command' ? subject.suggestedRule : undefined;
        asked.push(suggested);
        return decide(suggested ?? []);
      },
    });
    await session.run('Go').outcome;
    await session.close();
    sessions.push({
      asked,
      warnings: events.flatMap((event) => (event.type === 'warning.raised' ? [event.code] : [])),
    });
  }
  return { sessions, made: readdirSync(cwd), rules: (await store.read()).rules };
}

it('keeps the rule that a command was approved with, so that a later session does not ask', async () => {
  expect(await twice((rule) => ({ decision: 'approved-with-rule', rule }))).toEqual({
    sessions: [
      { asked: [['mkdir', '-p', 'made']], warnings: [] },
      { asked: [], warnings: [] },
    ],
    made: ['made'],
    rules: { allow: [['mkdir', '-p', 'made']], deny: [] },
  });
});

it('keeps no rule that says less than the one that was shown, and says so; the command runs this once', async () => {
  expect(await twice(() => ({ decision: 'approved-with-rule', rule: ['bash'] }))).toEqual({
    sessions: [
      { asked: [['mkdir', '-p', 'made']], warnings: ['rule-not-kept'] },
      { asked: [['mkdir', '-p', 'made']], warnings: ['rule-not-kept'] },
    ],
    made: ['made'],
    rules: { allow: [], deny: [] },
  });
});

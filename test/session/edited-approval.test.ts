import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Decision, SessionRequest } from '../../src/index.ts';
import { rig } from './rig.ts';

function play(decide: (request: SessionRequest, asked: number) => Decision) {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-edited-')));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const asked: unknown[] = [];
  const script = [{ call: { name: 'shell', arguments: { command: 'touch theirs' } } }, { say: 'Done.' }];
  const { session, model } = rig({
    script,
    cwd,
    approvalPolicy: 'untrusted',
    onRequest(request) {
      asked.push(request.subject.kind === 'command' ? request.subject.argv.at(-1) : request.subject);
      return decide(request, asked.length);
    },
  });
  const ended = async () => {
    await session.run('Go').outcome;
    await session.close();
    const output = model.requests[1]?.history.find(({ type }) => type === 'output');
    return {
      asked,
      made: readdirSync(cwd),
      told: output?.type === 'output' ? output.output.replace(/time: [\d.]+/, 'time: S') : null,
    };
  };
  return { ended };
}

it('runs what a person has made of a call, once that was shown, and tells the model so', async () => {
  const { ended } = play((_, asked) =>
    asked === 1 ? { decision: 'approved', edited: { command: 'touch ours' } } : 'approved',
  );
  expect(await ended()).toEqual({
    asked: ['touch theirs', 'touch ours'],
    made: ['ours'],
    told: 'The user changed this call before it was run. Its input was: {"command":"touch ours"}\nExit code: 0\nWall time: S seconds\nOutput:\n',
  });
});

it('asks no third time when the same change is made again', async () => {
  const { ended } = play(() => ({ decision: 'approved', edited: { command: 'touch ours' } }));
  expect(await ended()).toMatchObject({ asked: ['touch theirs', 'touch ours'], made: ['ours'] });
});

it('runs neither when the change is denied in its turn', async () => {
  const { ended } = play((_, asked) =>
    asked === 1 ? { decision: 'approved', edited: { command: 'touch ours' } } : 'denied',
  );
  expect(await ended()).toMatchObject({ made: [], told: 'rejected by user' });
});

it('runs nothing when a call was changed to something that makes no sense', async () => {
  const { ended } = play(() => ({ decision: 'approved', edited: { command: 3 } }));
  const { asked, made, told } = await ended();
  expect([asked, made]).toEqual([['touch theirs'], []]);
  expect(told).toMatch(/^rejected: the user changed the input of shell to something invalid: command: /);
});

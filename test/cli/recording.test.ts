import { appendFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { readRecording } from '../../src/cli/recording.ts';
import { commandRun, homeWith, opened } from './command-run.ts';

it('has the events of a session and of those below it in the order of time, and says what is missing', async () => {
  const child = (childId: string) => ({ at: 2, type: 'child.opened', taskId: 'regular/1', childId, kind: 'agent' });
  const { home, location } = homeWith({
    root: [opened(1), child('child'), child('child'), child('lost'), { at: 9, type: 'session.closed', history: {} }],
    child: [opened(3, { sessionPath: undefined }), { at: 4, type: 'session.closed' }],
  });
  appendFileSync(location('child'), 'no line of a log\n');
  vi.stubEnv('TROUPE_HOME', home);
  const { title, events, notes } = await readRecording(location('root'));
  vi.unstubAllEnvs();
  expect([title, events.map(({ sessionId, type, time }) => `${Date.parse(time)} ${sessionId} ${type}`)]).toEqual([
    'root',
    [
      '1 root session.opened',
      '2 root child.opened',
      '2 root child.opened',
      '2 root child.opened',
      '3 child session.opened',
      '4 child session.closed',
      '9 root session.closed',
    ],
  ]);
  expect(notes).toEqual([expect.stringMatching(/^child, line 3: /), 'There is no log of the sub-session lost.']);
});

it('is verified by its name or its file, in words or as JSON', async () => {
  const { home, location } = homeWith({ open: [opened()], wrong: [opened(), opened()] });
  const told = async (...words: readonly string[]) => {
    const { code, stdout } = await commandRun(home, ['verify', ...words]);
    return [code, stdout];
  };
  expect([
    (await told('wrong'))[0],
    await told(location('nowhere')),
    JSON.parse(String((await told('wrong', '--json'))[1])).verdict,
  ]).toEqual([1, [2, expect.stringMatching(/^unreadable: .*ENOENT/)], 'illegal']);
});

it('is forked at one place, which is said as JSON too', async () => {
  const { home } = homeWith({ one: [opened(), { type: 'session.closed' }] });
  const both = await commandRun(home, ['sessions', 'fork', 'one', '--before', '1', '--at', 'i']);
  expect([both.code, both.stderr]).toEqual([
    2,
    'troupe: Expected --before or --at, got both. Give the one that is meant.\n',
  ]);
  const forked = JSON.parse((await commandRun(home, ['sessions', 'fork', 'one', '--json'])).stdout);
  expect([forked.forkedFrom, forked.messages, forked.log.endsWith(`${forked.sessionId}.jsonl`)]).toEqual([
    'one',
    0,
    true,
  ]);
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lock } from '../../src/here/log-lock.ts';
import { commandRun, directory, homeWith, opened, type Said } from './command-run.ts';

const message = (text: string): Said => ({
  ...{ type: 'item.completed', taskId: 'regular/1' },
  item: { id: 'i', type: 'user_message', text },
});
const closed: Said = { type: 'session.closed' };
const below = (id: string): Said =>
  opened(0, {
    sessionPath: [
      { sessionId: 'root', kind: 'root' },
      { sessionId: id, kind: 'agent', taskId: 'regular/1' },
    ],
  });

describe('troupe sessions list', () => {
  it('says of each session where and when it was, what was said first, and what is wrong', async () => {
    const { home, location } = homeWith({
      c: [opened(), message(`a\n  question${'?'.repeat(80)}`), closed],
      b: [opened()],
      a: [{ type: 'later' }, { type: 'still later' }],
    });
    onTestFinished(await lock(location('b')));
    writeFileSync(location('d'), 'no log\n');
    const { code, stdout } = await commandRun(home, ['sessions', 'list']);
    expect([code, stdout.split('\n')]).toEqual([
      0,
      [
        'd  ?  ?   (ended without a close) (it has no record that can be read)',
        `c  1970-01-01 00:00  /work  a question${'?'.repeat(50)}`,
        `b  1970-01-01 00:00  /work   (open: process ${process.pid})`,
        'a  1970-01-01 00:00  ?   (ended without a close)',
        '',
      ],
    ]);
    expect((await commandRun(home, ['sessions', 'list', '-n', '1', '--json'])).stdout.split('\n').length).toBe(2);
  });

  it('says that there are none', async () => {
    expect((await commandRun(directory(), ['sessions', 'list'])).stdout).toBe('There are no sessions.\n');
  });

  it('takes no number that is none', async () => {
    const { code, stderr } = await commandRun(directory(), ['sessions', 'list', '-n', 'many']);
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      "error: option '-n, --limit <count>' argument 'many' is invalid. Expected a number from 1.",
    ]);
  });
});

describe('troupe sessions show', () => {
  it('shows what has words, and tells of lines that could not be read', async () => {
    const { home, location } = homeWith({ one: [opened(), message('hello'), { type: 'from.another.release' }] });
    writeFileSync(location('one'), `${readFileSync(location('one'), 'utf8')}no line of a log\n`);
    const { code, stdout, stderr } = await commandRun(home, ['sessions', 'show', 'one']);
    expect([code, stdout.includes('hello'), stderr]).toEqual([
      0,
      true,
      expect.stringMatching(/^troupe: line 4: .+\n$/),
    ]);
    const json = (await commandRun(home, ['sessions', 'show', 'one', '--json'])).stdout.trimEnd().split('\n');
    expect(json.map((line) => JSON.parse(line).type)).toEqual([
      'session.opened',
      'item.completed',
      'from.another.release',
    ]);
  });

  it.each([
    ['nothing', 'there is no log of that name'],
    ['../etc', 'there is no log of that name'],
    ['same', '2 sessions begin so'],
  ])('says what is wrong with the name %s', async (name, why) => {
    const { home } = homeWith({ 'same-1': [opened()], 'same-2': [opened()] });
    expect(await commandRun(home, ['sessions', 'show', name])).toEqual({
      code: 1,
      stdout: '',
      stderr: `troupe: Expected a session, got "${name}": ${why}. See "troupe sessions list".\n`,
    });
  });
});

describe('troupe sessions delete', () => {
  const tree = () => homeWith({ root: [opened(), closed], child: [below('child'), closed], other: [opened(), closed] });

  it('says what it would delete, and does it when told so, with what was set aside', async () => {
    const { home, location } = tree();
    const aside = [`${location('child')}.torn-1`, `${location('child')}.torn-2`, `${location('root')}.lock`];
    for (const path of aside) writeFileSync(path, '');
    const names = `${location('root')}\n${location('child')}\n`;
    expect(await commandRun(home, ['sessions', 'delete', 'root'])).toEqual({
      code: 1,
      stdout: `${names}Nothing was deleted. Say --yes to delete these.\n`,
      stderr: '',
    });
    expect(await commandRun(home, ['sessions', 'delete', 'root', '--yes'])).toEqual({
      code: 0,
      stdout: 'Deleted 2 logs.\n',
      stderr: '',
    });
    const left = ['root', 'child', 'other'].map(location).concat(aside).filter(existsSync);
    expect(left).toEqual([location('other')]);
    expect((await commandRun(home, ['sessions', 'delete', 'last', '--yes'])).stdout).toBe('Deleted 1 log.\n');
  });

  it('deletes nothing of a session that somebody has open', async () => {
    const { home, location } = tree();
    onTestFinished(await lock(location('child')));
    expect(await commandRun(home, ['sessions', 'delete', 'root', '--yes'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `troupe: Expected nobody to have ${location('child')} open, process ${process.pid} has. Close it there first.\n`,
    });
    expect(existsSync(location('root'))).toBe(true);
  });
});

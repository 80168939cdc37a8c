import { expect, it } from 'vitest';
import { keptOf, messagesWithin, withoutOldest } from '../../src/history/compacted.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { Item } from '../../src/protocol/items.ts';

const user = (text: string): HistoryEntry => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] });

it('keeps the newest messages that fit, and cuts the one that does not any more', () => {
  const kept = messagesWithin(['a'.repeat(40), 'b'.repeat(400), 'c'.repeat(40)], 30);
  expect(kept).toEqual([expect.stringMatching(/^b+\n… about 80 tokens left out …\nb+$/), 'c'.repeat(40)]);
  expect([messagesWithin([], 10), messagesWithin(['ab'], 0)]).toEqual([[], []]);
});

it('sets aside what people said, and not what stands in their name', () => {
  const history = [user('do it'), user('<turn_aborted>\nx'), user('<agent_ended agent="a">'), user('and this')];
  expect(keptOf(history, []).messages).toEqual(['do it', 'and this']);
});

it('sets aside the last plan, the files with what was done to them last, and what was refused', () => {
  const items: Item[] = [
    { id: '1', type: 'todo_list', callId: 'a', plan: [{ step: 'old', status: 'pending' }], status: 'completed' },
    {
      id: '2',
      type: 'file_change',
      callId: 'b',
      changes: [
        { path: 'x', kind: 'add' },
        { path: 'y', kind: 'add' },
      ],
      status: 'completed',
    },
    { id: '3', type: 'file_change', callId: 'c', changes: [{ path: 'x', kind: 'delete' }], status: 'completed' },
    { id: '4', type: 'file_change', callId: 'd', changes: [{ path: 'z', kind: 'add' }], status: 'failed' },
    {
      id: '5',
      type: 'command_execution',
      callId: 'e',
      command: 'rm -rf /',
      cwd: '/',
      exitCode: null,
      output: '',
      status: 'declined',
    },
    { id: '6', type: 'todo_list', callId: 'f', plan: [{ step: 'new', status: 'completed' }], status: 'completed' },
  ];
  expect(keptOf([], items)).toEqual({
    messages: [],
    plan: [{ step: 'new', status: 'completed' }],
    files: [
      { path: 'y', kind: 'add' },
      { path: 'x', kind: 'delete' },
    ],
    refused: ['rm -rf /'],
  });
});

it('leaves out a call with its output', () => {
  const call: HistoryEntry = { type: 'call', callId: 'a', name: 'x', arguments: '{}' };
  const output: HistoryEntry = { type: 'output', callId: 'a', output: 'y' };
  expect(withoutOldest([call, user('hi'), output, user('ho')], 1)).toEqual([user('hi'), user('ho')]);
});

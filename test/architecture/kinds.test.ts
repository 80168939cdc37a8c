import { describe, expect, it } from 'vitest';
import { readSources } from './repository.ts';
import { type KindTable, kindViolations, relayViolations } from './rules.ts';

const KINDS: KindTable = {
  kinds: ['regular', 'review', 'compact', 'undo', 'user-shell', 'ghost-snapshot'],
  itemTypes: ['review', 'undo'],
  allowedIn: ['src/tasks/'],
};

it('never branches on a task kind outside the kinds', () => {
  expect(kindViolations(readSources(), KINDS)).toEqual([]);
});

it('has one forwarder', () => {
  expect(relayViolations(readSources())).toEqual([]);
});

describe('the rule of the kinds', () => {
  const violations = (text: string, path = 'src/session/session.ts') => kindViolations(new Map([[path, text]]), KINDS);

  it.each([
    ["if (kind === 'review') stop();", 'review'],
    ["if (task.kind !== 'user-shell') stop();", 'user-shell'],
    ["if ('undo' == kind) stop();", 'undo'],
    ['const x = path[0]!.kind === "compact" ? 1 : 2;', 'compact'],
    ['if (kindOf(task) === `regular`) stop();', 'regular'],
    ["switch (task.kind) { case 'a': { break; } case 'ghost-snapshot': stop(); }", 'ghost-snapshot'],
    ["if (['compact', 'undo'].includes(kind)) queue();", 'compact'],
    ["if (item.type === 'compact') stop();", 'compact'],
  ])('tells of %s', (text, kind) => {
    expect(violations(text)).toContain(
      `src/session/session.ts:1 branches on the kind '${kind}': give the kinds a property instead.`,
    );
  });

  it.each([
    ['a kind as data', "session.start('review', { target }); const tasks = { review, undo };"],
    ['the type of an item', "if (item.type === 'review') show(); if (type !== 'undo') show();"],
    [
      'a switch on the type of an item',
      "switch (item.type) { case 'error': { a(); } case 'review': case 'undo': b(); }",
    ],
    ['comments and strings', "// kind === 'review'\nconst help = \"kind === 'review'\";"],
    ['other words', "if (kind === 'reviewer' || decision === 'denied') stop();"],
  ])('lets pass %s', (_, text) => {
    expect(violations(text)).toEqual([]);
  });

  it('leaves the kinds alone', () => {
    expect(violations("kind === 'review'", 'src/tasks/review.ts')).toEqual([]);
  });
});

describe('the rule of the one forwarder', () => {
  const call = 'const joined = relay(child, parent);';

  it('lets one call pass, and all in the channel itself', () => {
    const files = new Map([
      ['src/session/sub-session.ts', `${call} // relay(a, b)`],
      ['src/channel/relay.ts', `export function relay() {} ${call} ${call}`],
      ['src/session/other.ts', "export function relay() {} channel.relay(a); const name = 'relay(';"],
    ]);
    expect(relayViolations(files)).toEqual([]);
  });

  it('tells of a second call and where both are', () => {
    const files = new Map([
      ['src/session/sub-session.ts', call],
      ['src/tasks/delegate.ts', `\n${call}`],
    ]);
    expect(relayViolations(files)).toEqual([
      'relay( is called in 2 places (src/session/sub-session.ts:1, src/tasks/delegate.ts:2): one forwarder is enough.',
    ]);
  });
});

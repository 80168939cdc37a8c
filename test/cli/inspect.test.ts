import { describe, expect, it } from 'vitest';
import { commandRun, directory, homeWith, opened } from './command-run.ts';

const said = {
  ...{ type: 'item.completed', taskId: 'regular/1' },
  item: { id: 'i', type: 'user_message', text: 'hello' },
};

/** Runs `troupe inspect` until `visit` is over; that is told the addresses that it has said. */
async function inspecting(home: string, words: readonly string[], visit: (told: () => string) => Promise<void>) {
  const before = new Set(process.listeners('SIGINT'));
  const serves = Promise.withResolvers<void>();
  let told = '';
  const run = commandRun(home, ['inspect', ...words], (text) => {
    told += text;
    if (told.includes('until Ctrl-C')) serves.resolve();
  });
  try {
    await Promise.race([serves.promise, run]);
    await visit(() => told);
  } finally {
    for (const listener of process.listeners('SIGINT')) if (!before.has(listener)) listener('SIGINT');
  }
  return run;
}

/** The cookie that an address with a token gives. */
async function cookieOf(url: string): Promise<string> {
  const first = await fetch(url, { redirect: 'manual' });
  return first.headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('troupe inspect', () => {
  it('serves the page of a session until it is stopped', async () => {
    const { home } = homeWith({ one: [opened(), said, { type: 'session.closed' }] });
    const { code, stdout, stderr } = await inspecting(home, ['one'], async (told) => {
      const url = told().split('\n')[0] ?? '';
      const page = await fetch(new URL('/', url), { headers: { cookie: await cookieOf(url) } });
      expect([page.status, (await fetch(new URL('/', url))).status]).toEqual([200, 403]);
    });
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\S*\n$/),
      'The page is served until Ctrl-C.\n',
    ]);
  });

  it('without a session also says where programs connect', async () => {
    const { stderr } = await inspecting(directory(), [], async () => {});
    expect(stderr).toMatch(
      /^XState programs connect to ws:\/\/127\.0\.0\.1:\d+\/\S*\nThe page is served until Ctrl-C\.\n$/,
    );
  });

  it.each([
    [['nothing'], 1, 'troupe: Expected a session, got "nothing": there is no log of that name.'],
    [['--port', '0'], 2, "error: option '--port <port>' argument '0' is invalid. Expected a port from 1 to 65535."],
  ])('does not begin with %j', async (words, code, line) => {
    const run = await commandRun(directory(), ['inspect', ...words]);
    expect([run.code, run.stderr.startsWith(line)]).toEqual([code, true]);
  });
});

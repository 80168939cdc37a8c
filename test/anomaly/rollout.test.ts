import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileLogStore } from '../../src/here/file-log-store.ts';
import { createSession, forkSession, resumeSession, type SessionOptions } from '../../src/index.ts';
import type { LogStore } from '../../src/rollout/log-store.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

// What may be found in the place of a log, numbered as in the corpus of bad inputs (73 to 82), with the one result that
// its resume may have. Each log is of one turn, and closed: 10 records.

const isRoot = process.geteuid?.() === 0;
const LINE_MAX_BYTES = 64 * 1024 * 1024;

/** The resume is refused, and the log is as it was; or it goes on, with all of the history, and has told of this damage. */
type End = Readonly<{ refused: RegExp }> | Readonly<{ damage: readonly RegExp[] }>;
type Fixture = Readonly<{ name: string; make(lines: readonly string[], bytes: Buffer): Buffer; end: End }>;

const whole = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''));
/** The line as somebody else would have written it, with the checksum that it then has. */
function rewritten(line = '', from: string | RegExp, to: string): string {
  const body = `${line.slice(0, line.lastIndexOf(',"crc"')).replace(from, to)}}`;
  return `${body.slice(0, -1)},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}`;
}

const FIXTURES: readonly Fixture[] = [
  { name: '73 that is empty', make: () => Buffer.alloc(0), end: { refused: /holds no record that could be read/ } },
  {
    name: '73 without its first record',
    make: (lines) => whole(lines.slice(1)),
    end: { damage: [/^Line 1 .* Expected record 0, got 1/] },
  },
  {
    name: '73 whose first line is huge',
    make: (lines) => whole(['x'.repeat(LINE_MAX_BYTES + 1), ...lines]),
    end: { damage: [/^Line 1 .* at most 67108864 bytes, got more/] },
  },
  {
    name: '74 whose last line is torn',
    make: (_, bytes) => bytes.subarray(0, -9),
    end: { damage: [/^Line 10 .* never finished; it is set aside/] },
  },
  {
    name: '74 whose last line is torn in a character',
    make: (_, bytes) => bytes.subarray(0, bytes.lastIndexOf('é') + 1),
    end: { damage: [/^Line 9 .* never finished; it is set aside/] },
  },
  {
    name: '74 with NULs at its end, as a power cut leaves them',
    make: (_, bytes) => Buffer.concat([bytes, Buffer.alloc(4096)]),
    end: { damage: [/^Line 11 .* never finished; it is set aside/] },
  },
  {
    name: '74 with two records on one line',
    make: (lines) => whole(lines.toSpliced(3, 2, `${lines[3]}${lines[4]}`)),
    end: { damage: [/^Line 4 .* Expected a line of JSON/, /^Line 5 .* Expected record 3, got 5/] },
  },
  {
    name: '75 with another bit, and the checksum as it was',
    make: (lines) => whole(lines.with(3, (lines[3] ?? '').replace('"step":1', '"step":3'))),
    end: { damage: [/^Line 4 .* to have the checksum/, /^Line 5 .* Expected record 3, got 4/] },
  },
  {
    name: '75 with a checksum that is wrong',
    make: (lines) => whole(lines.with(3, (lines[3] ?? '').replace(/"crc":"\w+"/, '"crc":"00000000"'))),
    end: { damage: [/^Line 4 .* to have the checksum/, /^Line 5 .* Expected record 3, got 4/] },
  },
  {
    name: '75 with a record twice',
    make: (lines) => whole(lines.toSpliced(3, 0, lines[3] ?? '')),
    end: { damage: [/^Line 5 .* Expected a record after 3, got 3 again/] },
  },
  {
    name: '75 with a record missing',
    make: (lines) => whole(lines.toSpliced(3, 1)),
    end: { damage: [/^Line 4 .* Expected record 3, got 4/] },
  },
  {
    name: '75 with records that have changed places',
    make: (lines) => whole(lines.with(3, lines[4] ?? '').with(4, lines[3] ?? '')),
    end: { damage: [/^Line 4 .* Expected record 3, got 4/, /^Line 5 .* Expected a record after 4, got 3/] },
  },
  {
    name: '76 of a later version',
    make: (lines) => whole(lines.with(9, rewritten(lines[9], '"v":1', '"v":2'))),
    end: { refused: /a newer release may read it.*not touched/ },
  },
  {
    name: '76 with members and a type that nobody knows yet',
    make: (lines) =>
      whole(
        lines
          .with(3, rewritten(lines[3], /"step\.started"/g, '"weather.changed"'))
          .with(9, rewritten(lines[9], '"payload":{', '"wind":7,"payload":{"sun":true,')),
      ),
    end: { damage: [] },
  },
  {
    name: '76 that begins with a byte order mark',
    make: (_, bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes]),
    end: { damage: [/^Line 1 .* Expected a line of JSON/, /^Line 2 .* Expected record 0, got 1/] },
  },
  {
    name: '76 with the line ends of another system',
    make: (lines) => whole(lines.map((line) => `${line}\r`)),
    end: { refused: /holds no record that could be read/ },
  },
];

const options = (logStore: LogStore, ...says: readonly string[]): SessionOptions => ({
  model: scriptedModel(says.map((say) => ({ say }))),
  projectInstructions: false,
  checkpoints: 'off',
  world: { logStore },
});

/** The id of a session of one turn, in this store. */
async function oneTurn(logStore: LogStore): Promise<string> {
  await using session = createSession({ ...options(logStore, 'Café.'), rollout: 'durable' });
  await session.run('Where?').outcome;
  return session.id;
}

const texts = (history: unknown) =>
  [...JSON.stringify(history).matchAll(/"text":"(\w[^"]*)"/g)].map(([, text]) => text);

describe('a log', () => {
  it.each(FIXTURES)('$name', async ({ make, end }) => {
    const store = memoryLogStore();
    const id = await oneTurn(store);
    const bytes = Buffer.from(store.bytes(id));
    const made = make(bytes.toString().trimEnd().split('\n'), bytes);
    const log = memoryLogStore();
    log.put(id, made);
    if ('refused' in end) {
      await expect(resumeSession(id, options(log))).rejects.toThrow(end.refused);
      expect(Buffer.from(log.bytes(id)).equals(made)).toBe(true);
      return;
    }
    await using session = await resumeSession(id, options(log, 'Still there.'));
    const told: unknown[] = [];
    session.events$.subscribe((event) => void (event.type === 'session.resumed' && told.push(event.damage)));
    const outcome = await session.run('And now?').outcome;
    expect([outcome.status, told, texts(session.entries())]).toEqual([
      'completed',
      [end.damage.map((line) => expect.stringMatching(line))],
      ['Where?', 'Café.', 'And now?', 'Still there.'],
    ]);
  });

  it('73 that has only its first record is a session in which nothing was said', async () => {
    const store = memoryLogStore();
    const id = await oneTurn(store);
    const log = memoryLogStore();
    log.put(id, store.bytes(id).subarray(0, store.bytes(id).indexOf(0x0a) + 1));
    await using session = await resumeSession(id, options(log, 'Hello.'));
    expect([session.entries(), (await session.run('Hi').outcome).status]).toEqual([[], 'completed']);
  });

  it('82 of a fork of a fork needs neither of those before it', async () => {
    const store = memoryLogStore();
    const first = await oneTurn(store);
    await using second = await forkSession(first, {}, options(store, 'Two.'));
    await second.run('Twice?').outcome;
    await using third = await forkSession(second.id, {}, options(store));
    await third.close();
    const alone = memoryLogStore();
    alone.put(third.id, store.bytes(third.id));
    await using resumed = await resumeSession(third.id, options(alone, 'Three.'));
    const { status } = await resumed.run('Alone?').outcome;
    expect([alone.sessions(), status, texts(resumed.entries())]).toEqual([
      [third.id],
      'completed',
      ['Where?', 'Café.', 'Twice?', 'Two.', 'Alone?', 'Three.'],
    ]);
  });
});

describe('a resume with something else in the place of its log', () => {
  /** A session with a log on the disk, something else in its place, and the resume of it. */
  async function resumeAfter(change: (location: string) => unknown): Promise<unknown> {
    const home = await mkdtemp(join(tmpdir(), 'troupe-anomaly-'));
    const id = await oneTurn(fileLogStore(home));
    const [path = ''] = (await readdir(home, { recursive: true })).filter((name) => name.endsWith(`${id}.jsonl`));
    const location = join(home, path);
    onTestFinished(async () => {
      await chmod(dirname(location), 0o700).catch(() => undefined);
      await rm(home, { recursive: true });
    });
    await change(location);
    return resumeSession(id, options(fileLogStore(home)));
  }

  it.each<[name: string, change: (location: string) => unknown, message: RegExp]>([
    ['nothing', (at) => rm(at), /of which there is no log/],
    ['no directory', (at) => rm(dirname(at), { recursive: true }), /of which there is no log/],
    ['a directory', (at) => rm(at).then(() => mkdir(at)), /got something else/],
    ['a link', (at) => rename(at, `${at}.x`).then(() => symlink(`${at}.x`, at)), /ELOOP/],
    ['a pipe', (at) => rm(at).then(() => spawnSync('mkfifo', [at])), /to be a file of the user/],
  ])('77 (%s) is refused in words', async (_, change, message) => {
    await expect(resumeAfter(change)).rejects.toThrow(message);
  });

  it.skipIf(isRoot).each<[name: string, change: (location: string) => unknown]>([
    ['a file without permission', (at) => chmod(at, 0)],
    ['a directory that may only be read', (at) => chmod(dirname(at), 0o500)],
  ])('77 (%s) is refused in words (skipped for root, who may)', async (_, change) => {
    await expect(resumeAfter(change)).rejects.toThrow(/EACCES/);
  });
});

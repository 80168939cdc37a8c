import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RULES_MAX, ruleStore } from '../../src/here/rule-store.ts';

let home: string;
let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'troupe-rules-'));
  home = join(place, 'home');
});

afterEach(() => rm(place, { recursive: true }));

const file = () => join(home, 'rules.json');

async function put(content: unknown): Promise<string> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await mkdir(home, { recursive: true });
  await writeFile(file(), text, { mode: 0o600 });
  return text;
}

describe('the rules of a user', () => {
  it('are none before there are any', async () => {
    expect(await ruleStore(home).read()).toEqual({ rules: { allow: [], deny: [] }, problems: [] });
  });

  it('are kept for nobody but the user, each once', async () => {
    const store = ruleStore(home);
    const added = await Promise.all([
      store.add(['npm', 'test']),
      store.add(['make', 'all']),
      store.add(['npm', 'test']),
    ]);
    const modes = await Promise.all([home, file()].map(async (path) => (await stat(path)).mode & 0o777));
    expect([added, modes, await ruleStore(home).read(), await readdir(home)]).toEqual([
      [{ status: 'kept' }, { status: 'kept' }, { status: 'known' }],
      [0o700, 0o600],
      {
        rules: {
          allow: [
            ['npm', 'test'],
            ['make', 'all'],
          ],
          deny: [],
        },
        problems: [],
      },
      ['rules.json'],
    ]);
  });

  it('leave what else stands in the file', async () => {
    await put({ note: 'mine', deny: [['curl']], allow: [['make', 'a']], next: { a: 1 } });
    await ruleStore(home).add(['npm', 'test']);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
      ...{ note: 'mine', deny: [['curl']], next: { a: 1 } },
      allow: [
        ['make', 'a'],
        ['npm', 'test'],
      ],
    });
  });

  it('hold as soon as a person has written them', async () => {
    const store = ruleStore(home);
    await store.read();
    await put({ deny: [['curl']] });
    expect((await store.read()).rules).toEqual({ allow: [], deny: [['curl']] });
  });

  it('allow nothing where they would allow everything, and say so', async () => {
    await put({ allow: [['bash'], ['npm', 'test'], ['git']] });
    expect(await ruleStore(home).read()).toEqual({
      rules: { allow: [['npm', 'test']], deny: [] },
      problems: [
        `A rule in ${file()} allows nothing: Expected a rule for one program, but bash runs others.`,
        `A rule in ${file()} allows nothing: Expected a rule that says what git does, got ["git"].`,
      ],
    });
  });

  it('are not added to when they would allow everything', async () => {
    expect([await ruleStore(home).add(['bash']), await ruleStore(home).add([])]).toMatchObject([
      { status: 'not-kept', why: 'Expected a rule for one program, but bash runs others.' },
      { status: 'not-kept' },
    ]);
    await expect(readdir(home)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['no JSON', '{ "allow": [', /JSON/],
    ['an empty file', '', /JSON/],
    ['something else', '[]', /expected object/i],
    ['a rule without words', { allow: [[]] }, /allow\.0/],
    ['a rule that is a text', { deny: ['curl'] }, /deny\.0/],
    ['more than anybody wrote', { allow: Array.from({ length: RULES_MAX + 1 }, () => ['a']) }, /allow: /],
    ['more bytes than that', ' '.repeat(1_048_577), /at most 1048576 bytes/],
  ])('are none in a file with %s, which is left as it is, with a reason', async (_, content, why) => {
    const text = await put(content);
    const { rules, problems } = await ruleStore(home).read();
    const added = await ruleStore(home).add(['npm', 'test']);
    expect([rules, problems, added, await readFile(file(), 'utf8')]).toEqual([
      { allow: [], deny: [] },
      [expect.stringMatching(why)],
      { status: 'not-kept', why: problems[0] },
      text,
    ]);
    expect(problems[0]).toMatch(/^The rules in .*rules\.json are not used: .* Mend the file, or remove it/s);
  });

  it('are none in a file that others may write, or that is a link or a directory', async () => {
    const problem = async () => (await ruleStore(home).read()).problems;
    await put({ allow: [['make', 'a']] });
    await chmod(file(), 0o666);
    const writable = await problem();
    await rm(file());
    await writeFile(join(place, 'elsewhere'), '{}');
    await symlink(join(place, 'elsewhere'), file());
    const link = await problem();
    await rm(file());
    await mkdir(file());
    expect([writable, link, await problem()]).toEqual([
      [expect.stringContaining('only its owner may write. Try: chmod go-w')],
      [expect.stringContaining('ELOOP')],
      [expect.stringContaining('Expected a file, got something else.')],
    ]);
  });

  it.runIf(process.geteuid?.() === 0)('are none in a file of somebody else', async () => {
    await put({ allow: [['make', 'a']] });
    await chown(file(), 1234, 1234);
    expect((await ruleStore(home).read()).problems).toEqual([expect.stringContaining('got one of user 1234')]);
  });

  it('say when they cannot be written', async () => {
    await writeFile(home, 'a file');
    expect(await ruleStore(home).add(['npm', 'test'])).toMatchObject({
      status: 'not-kept',
      why: expect.stringMatching(/ENOTDIR/),
    });
  });

  it('have an end', async () => {
    await put({ allow: Array.from({ length: RULES_MAX }, (_, at) => ['make', `a${at}`]) });
    expect(await ruleStore(home).add(['npm', 'test'])).toEqual({
      status: 'not-kept',
      why: `Expected at most ${RULES_MAX} rules in ${file()}. Remove some.`,
    });
  });
});

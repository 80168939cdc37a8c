import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readExecRequest, storedSettings } from '../../src/cli/exec-request.ts';
import { directory, homeWith, opened } from './command-run.ts';

const NOTHING = { directory: '.', config: [], image: [], addDir: [] };
const signal = new AbortController().signal;

/** What is to be run, with this home and these variables; what it notes is left out. */
async function requestIn(
  home: string,
  words: readonly string[],
  options: object = {},
  env: Record<string, string> = {},
) {
  for (const [name, value] of Object.entries({
    TROUPE_HOME: home,
    TROUPE_MODEL: '',
    OPENAI_MODEL: '',
    OPENAI_API_KEY: 'none',
    ...env,
  }))
    vi.stubEnv(name, value === '' ? undefined : value);
  try {
    return await readExecRequest(words, { ...NOTHING, ...options }, () => {}, signal);
  } finally {
    vi.unstubAllEnvs();
  }
}

describe('what is to be run', () => {
  it('is a prompt, with images where there are some, in a directory, with directories that may be written to', async () => {
    const work = directory();
    mkdirSync(join(work, 'more'));
    writeFileSync(join(work, 'a.png'), '');
    const image = join(work, 'a.png');
    const options = { model: 'm', directory: work, image: [image], addDir: ['more'], approvals: 'never' };
    const { model, ...rest } = await requestIn(directory(), ['Look.'], options);
    expect([model.name, rest]).toEqual([
      'm',
      {
        cwd: work,
        sandbox: 'workspace-write',
        sandboxSettings: { network: false, writableRoots: [join(work, 'more')] },
        approvalPolicy: 'never',
        isPolicyGiven: true,
        effort: undefined,
        outputSchema: undefined,
        resume: null,
        work: {
          input: [
            { type: 'text', text: 'Look.' },
            { type: 'local-image', path: image },
          ],
        },
      },
    ]);
  });

  it('goes on with the model that the session was with: of an id, of the newest of the directory', async () => {
    const work = directory();
    const { home } = homeWith({ one: [opened(0, { context: { cwd: work, model: 'first' } })], two: [opened()] });
    const byId = await requestIn(home, ['resume', 'one', 'Go on.']);
    const last = await requestIn(home, ['resume', 'Go on.'], { last: true, directory: work });
    expect([byId.model.name, byId.resume, last.model.name, last.resume]).toEqual([
      'first',
      { id: 'one' },
      'first',
      'last',
    ]);
    await expect(requestIn(home, ['resume', 'none', 'Go on.'])).rejects.toThrow(
      'Expected the name of a model, got none.',
    );
    await expect(requestIn(directory(), ['resume', 'Go on.'], { last: true })).rejects.toThrow(
      'Expected the name of a model, got none.',
    );
  });

  it('is a review, without a prompt; and the word resume alone is a prompt', async () => {
    const target = { type: 'uncommitted' };
    const review = await requestIn(directory(), [], { model: 'm', target });
    const word = await requestIn(directory(), ['resume'], { model: 'm' });
    expect([review.work, word.work, word.resume]).toEqual([{ target }, { input: 'resume' }, null]);
  });

  it.each([
    [{ directory: '/nowhere' }, 'Expected -C to name a directory, got /nowhere.'],
    [{ addDir: ['/nowhere'] }, 'Expected --add-dir (or writableRoots) to name a directory, got /nowhere.'],
    [{ image: ['/nowhere'] }, 'Expected --image to name a file, got /nowhere.'],
    [{ outputSchema: '/nowhere' }, 'Expected --output-schema to name a file with a JSON Schema, got /nowhere: ENOENT'],
  ])('cannot be %j', async (options, words) => {
    await expect(requestIn(directory(), ['Go.'], { model: 'm', ...options })).rejects.toThrow(words);
  });

  it('has a schema that is an object, and a prompt that says something', async () => {
    const schema = join(directory(), 'schema.json');
    writeFileSync(schema, '[]');
    await expect(requestIn(directory(), ['Go.'], { model: 'm', outputSchema: schema })).rejects.toThrow(
      'which holds no object.',
    );
    await expect(requestIn(directory(), [' '], { model: 'm' })).rejects.toThrow('got an empty prompt.');
    writeFileSync(schema, '{"type":"object"}');
    const { outputSchema } = await requestIn(directory(), ['Go.'], { model: 'm', outputSchema: schema });
    expect(outputSchema).toEqual({ type: 'object' });
  });

  it('is refused where the configuration cannot be read, or has no such profile', async () => {
    const home = directory();
    mkdirSync(join(home, 'config.json'));
    await expect(requestIn(home, ['Go.'], { model: 'm' })).rejects.toThrow(
      `Expected to be able to read ${home}/config.json, got: EISDIR`,
    );
    await expect(requestIn(directory(), ['Go.'], { model: 'm', profile: 'fast' })).rejects.toThrow('fast');
  });

  it('takes the environment over the file, and the profile over the rest of the file', async () => {
    const home = directory();
    const file = { model: 'a', effort: 'low', profiles: { fast: { model: 'b', sandbox: 'read-only' } } };
    writeFileSync(join(home, 'config.json'), JSON.stringify(file));
    vi.stubEnv('TROUPE_HOME', home);
    const settings = await storedSettings({ TROUPE_MODEL: 'c' }, 'fast');
    const ofFile = await storedSettings({}, 'fast');
    vi.unstubAllEnvs();
    expect([settings, ofFile]).toEqual([
      { model: 'c', effort: 'low', sandbox: 'read-only' },
      { model: 'b', effort: 'low', sandbox: 'read-only' },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { apiKeyOf, merged, settingsOfEnvironment } from '../../src/cli/settings.ts';
import { settingsOfFile } from '../../src/cli/settings-file.ts';

const FILE = JSON.stringify({
  model: 'gpt',
  sandbox: 'read-only',
  profiles: { local: { model: 'qwen3', baseURL: 'http://localhost:8080/v1', wireApi: 'auto', effort: 'low' } },
});

describe('the configuration file', () => {
  it('says what holds, and a profile what holds instead', () => {
    expect(settingsOfFile(FILE, '/c.json', undefined)).toEqual({ model: 'gpt', sandbox: 'read-only' });
    expect(settingsOfFile(FILE, '/c.json', 'local')).toEqual({
      model: 'qwen3',
      sandbox: 'read-only',
      baseURL: 'http://localhost:8080/v1',
      wireApi: 'auto',
      effort: 'low',
    });
  });

  it('may be missing', () => {
    expect(settingsOfFile(null, '/c.json', undefined)).toEqual({});
  });

  it.each([
    ['no JSON', '{', undefined, 'Expected /c.json to hold JSON, got something else: '],
    ['a list', '[]', undefined, 'Expected /c.json to hold settings, got something else: '],
    [
      'a key that there is not',
      '{"modle":"x"}',
      undefined,
      '/c.json to hold settings, got something else: Unrecognized key: "modle"',
    ],
    ['a wrong value', '{"sandbox":"sand"}', undefined, 'something else: sandbox: Invalid option'],
    ['a wrong profile', '{"profiles":{"a":{"effort":1}}}', undefined, 'something else: profiles.a.effort: '],
    ['no such profile', FILE, 'remote', 'Expected a profile of /c.json (it has: local), got "remote".'],
    [
      'a profile where there is no file',
      null,
      'toString',
      'Expected a profile of /c.json (it has: none), got "toString".',
    ],
  ])('is refused, by file and key: %s', (_, text, profile, message) => {
    expect(() => settingsOfFile(text, '/c.json', profile)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    expect(() => settingsOfFile(text, '/c.json', profile)).toThrow(message);
  });
});

describe('settings', () => {
  it('of a later place count more, where they are given', () => {
    expect(merged({ model: 'a', effort: 'low' }, { model: 'b', effort: undefined }, {})).toEqual({
      model: 'b',
      effort: 'low',
    });
  });

  it('of the environment are those of OpenAI, and our own', () => {
    expect(settingsOfEnvironment({ OPENAI_MODEL: 'a', TROUPE_MODEL: 'b', OPENAI_BASE_URL: '' })).toEqual({
      model: 'b',
    });
    expect(settingsOfEnvironment({ OPENAI_MODEL: 'a', OPENAI_BASE_URL: 'http://x' })).toEqual({
      model: 'a',
      baseURL: 'http://x',
    });
  });

  it('take the key of the Codex SDK where there is no other', () => {
    expect(apiKeyOf({ CODEX_API_KEY: 'c' })).toBe('c');
    expect(apiKeyOf({ CODEX_API_KEY: 'c', OPENAI_API_KEY: 'o' })).toBe('o');
    expect(apiKeyOf({ OPENAI_API_KEY: '' })).toBe(undefined);
  });
});

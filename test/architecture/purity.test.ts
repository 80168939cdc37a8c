import { describe, expect, it } from 'vitest';
import { readSources } from './repository.ts';
import { type PurityTable, purityViolations } from './rules.ts';

/** Not a member of something (`clock.setTimeout`), though it may be spread (`...process.argv`). */
const FREE = '(?<![\\w$])(?<!(?<!\\.\\.)\\.)';

const PURITY: PurityTable = {
  folders: [
    'machines/',
    'src/session/',
    'src/tasks/',
    'src/policy/',
    'src/history/',
    'src/rollout/',
    'src/channel/',
    'src/protocol/',
  ],
  words: [
    { pattern: /\bDate\b/, instead: 'take a Clock, and turn times to text and back in iso-time.ts' },
    { pattern: new RegExp(`${FREE}performance\\b`), instead: 'take a Clock' },
    { pattern: new RegExp(`${FREE}set(?:Timeout|Interval|Immediate)\\b(?!\\??:)`), instead: 'take a Clock' },
    { pattern: /\bAbortSignal\.timeout\b/, instead: 'take a Clock' },
    { pattern: /\bMath\.random\b/, instead: 'take an Rng' },
    { pattern: new RegExp(`${FREE}crypto\\s*\\.`), instead: 'take an Rng or Ids' },
    { pattern: /\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/, instead: 'take an Rng or Ids' },
    { pattern: new RegExp(`${FREE}process\\s*(?:\\.|\\?\\.|\\[)`), instead: 'take a port' },
    { pattern: new RegExp(`${FREE}(?:globalThis|global)\\b`), instead: 'take a port' },
    { pattern: new RegExp(`${FREE}fetch\\s*\\(`), instead: 'take a port' },
  ],
  nodeModules: {
    'node:buffer': 'all',
    'node:crypto': ['createHash', 'createHmac', 'hash', 'timingSafeEqual'],
    'node:path': 'all',
    'node:util': 'all',
    'node:zlib': 'all',
  },
  isoTime: ['src/protocol/iso-time.ts', 'src/session/iso-time.ts'],
};

it('keeps time, chance, timers and the outer world out of what decides', () => {
  expect(purityViolations(readSources(), PURITY)).toEqual([]);
});

describe('the rule of purity', () => {
  const violations = (text: string, path = 'src/session/session.ts') =>
    purityViolations(new Map([[path, text]]), PURITY);

  it.each([
    ['const now = Date.now();', 'uses Date: take a Clock, and turn times to text and back in iso-time.ts'],
    [
      'const now = new Date(1).toISOString();',
      'uses Date: take a Clock, and turn times to text and back in iso-time.ts',
    ],
    ['setTimeout(go, 1);', 'uses setTimeout: take a Clock'],
    ['const wait = setImmediate;', 'uses setImmediate: take a Clock'],
    ['AbortSignal.timeout(5);', 'uses AbortSignal.timeout: take a Clock'],
    ['performance.now();', 'uses performance: take a Clock'],
    ['const x = `@{Math.random()}`;'.replace('@', '$'), 'uses Math.random: take an Rng'],
    ['crypto.subtle;', 'uses crypto.: take an Rng or Ids'],
    ['const home = process.env.HOME;', 'uses process.: take a port'],
    ['const all = [...process.argv];', 'uses process.: take a port'],
    ['globalThis.setTimeout(go, 1);', 'uses globalThis: take a port'],
    ["fetch('http://x');", 'uses fetch(: take a port'],
    ["import { readFileSync } from 'node:fs';", 'imports node:fs: take a port instead'],
    ["import { createServer } from 'node:http';", 'imports node:http: take a port instead'],
    ["import { setTimeout as wait } from 'node:timers/promises';", 'imports node:timers/promises: take a port instead'],
    ["import * as crypto from 'node:crypto';", 'imports * of node:crypto: take a port instead'],
  ])('tells of %s', (text, violation) => {
    expect(violations(text)).toContain(`src/session/session.ts:1 ${violation}.`);
  });

  it.each([
    ['a clock that is handed in', 'ports.clock.setTimeout(go, 1); clock?.setTimeout(go, 1);'],
    ['the type of a clock', 'type C = { setTimeout: () => void };'],
    ['a microtask', 'queueMicrotask(go);'],
    ['a member called process', 'ports.process.spawn(x); const { processes } = receipt;'],
    ['comments and strings', "// Date.now()\nconst x = 'Math.random()'; /* process.env */"],
    ['hashing', "import { createHash } from 'node:crypto';"],
    ['types of impure modules', "import type { Stats } from 'node:fs';"],
    ['compression', "import { crc32 } from 'node:zlib';"],
  ])('lets pass %s', (_, text) => {
    expect(violations(text)).toEqual([]);
  });

  it('looks into the folders that must be pure, and no others', () => {
    expect(violations('Date.now()', 'src/runtime/clock.ts')).toEqual([]);
    for (const folder of PURITY.folders) expect(violations('Date.now()', `${folder}x.ts`)).toHaveLength(1);
  });

  it('allows one place to write a time as text, and nothing else there', () => {
    const place = 'src/protocol/iso-time.ts';
    expect(violations('export const isoTime = (ms: number) => new Date(ms).toISOString();', place)).toEqual([]);
    expect(violations('export const msOf = (text: string) => Date.parse(text);', place)).toEqual([]);
    expect(violations('export const now = () => new Date().toISOString();', place)).toHaveLength(1);
    expect(violations('export const now = () => Date.now();', place)).toHaveLength(1);
    const both = new Map(PURITY.isoTime.map((path) => [path, '']));
    expect(purityViolations(both, PURITY)).toEqual([
      'src/protocol/iso-time.ts and src/session/iso-time.ts do the same: keep one.',
    ]);
  });
});

import { TroupeError } from '../protocol/errors.ts';
import type { Effort } from '../protocol/settings.ts';
import { CHOICES, type Settings } from './settings.ts';
import { readTomlValue, type TomlValue } from './toml-value.ts';

/** What options of the form `key=value` set, and what is to be said about those that set nothing. */
export type ConfigOptions = Readonly<{ settings: Settings; notes: readonly string[] }>;

/**
 * Reads `--config key=value` options, whose keys are those of Codex; the last one of a key wins. A value that is not
 * TOML is taken as the text that it is. What is not known has no effect, and is noted. A wrong value throws.
 */
export function readConfigOptions(options: readonly string[]): ConfigOptions {
  const values = new Map<string, TomlValue>();
  const notes: string[] = [];
  for (const option of options) {
    const [, key = '', text = ''] = /^\s*([^=]*?)\s*=(.*)$/s.exec(option) ?? [];
    if (key === '') notes.push(`--config ${option}: expected key=value, so it has no effect.`);
    else values.set(key, readTomlValue(text)?.value ?? text.trim());
  }
  let settings: Settings = {};
  for (const [key, value] of values) {
    const read = READERS.get(key);
    if (read === undefined) notes.push(`--config ${key}: not known here, so it has no effect.`);
    else settings = { ...settings, ...read(value, key, (text) => notes.push(`--config ${key}: ${text}`)) };
  }
  return { settings, notes };
}

type Reader = (value: TomlValue, key: string, note: (text: string) => void) => Settings;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['openai_base_url', (value, key) => ({ baseURL: textOf(value, key) })],
  ['model', (value, key) => ({ model: textOf(value, key) })],
  ['sandbox_mode', (value, key) => ({ sandbox: oneOf(CHOICES.sandbox, value, key) })],
  [
    'approval_policy',
    (value, key, note) => {
      if (value !== 'on-failure') return { approvalPolicy: oneOf(CHOICES.approvalPolicy, value, key) };
      note('on-failure is treated as on-request.');
      return { approvalPolicy: 'on-request' };
    },
  ],
  [
    'model_reasoning_effort',
    (value, key, note) => {
      const nearest = typeof value === 'string' ? NEAREST_EFFORT.get(value) : undefined;
      if (nearest === undefined) return { effort: oneOf(CHOICES.effort, value, key) };
      note(`${value} is treated as ${nearest}.`);
      return { effort: nearest };
    },
  ],
  [
    'sandbox_workspace_write.network_access',
    (value, key) => {
      if (typeof value === 'boolean') return { network: value };
      throw wrong(key, 'true or false', value);
    },
  ],
  [
    'sandbox_workspace_write.writable_roots',
    (value, key) => {
      if (Array.isArray(value)) return { writableRoots: value.map((root) => textOf(root, key)) };
      throw wrong(key, 'a list of directories', value);
    },
  ],
  [
    'web_search',
    (value, _key, note) => {
      if (value !== 'disabled') note('not available: there is no web search yet.');
      return {};
    },
  ],
]);

/** Degrees of effort that others know. */
const NEAREST_EFFORT: ReadonlyMap<string, Effort> = new Map([
  ['none', 'minimal'],
  ...['xhigh', 'max', 'ultra', 'persistent'].map((name): [string, Effort] => [name, 'high']),
]);

function textOf(value: TomlValue, key: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(key, 'a text', value);
}

function oneOf<T extends string>(choices: readonly T[], value: TomlValue, key: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw wrong(key, choices.join(', ').replace(/, ([^,]*)$/, ' or $1'), value);
}

function wrong(key: string, expected: string, value: TomlValue): TroupeError {
  return new TroupeError(
    'invalid-config',
    `Expected --config ${key} to be ${expected}, got ${typeof value === 'string' ? value : JSON.stringify(value)}.`,
  );
}

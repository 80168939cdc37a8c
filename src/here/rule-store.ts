import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type CommandRule, type CommandRules, NO_RULES } from '../policy/rules.ts';
import { whyUnsafeRule } from '../policy/safe-rule.ts';
import { hasCode, messageOf } from '../protocol/errors.ts';
import { effectiveUser } from './effective-user.ts';

/** How many bytes the file may have, and how many rules of each kind. */
export const RULES_MAX_BYTES = 1_048_576;
export const RULES_MAX = 1_000;

/** The rules of the user, and in sentences for people what is wrong with their file. */
export type ReadRules = Readonly<{ rules: CommandRules; problems: readonly string[] }>;
export type AddedRule = Readonly<{ status: 'kept' | 'known' }> | Readonly<{ status: 'not-kept'; why: string }>;

/** The rules of one user, for all projects; no project can bring any of its own. */
export interface RuleStore {
  readonly location: string;
  /** A file that is broken counts as none, and says so. Never rejects. */
  read(): Promise<ReadRules>;
  /** Keeps a rule that allows something. A file that is broken is left as it is. Never rejects. */
  add(rule: CommandRule): Promise<AddedRule>;
}

/**
 * Rules in `<home>/rules.json`, for nobody but their owner: `{ "allow": [["npm", "test"]], "deny": [["git", "push"]] }`. What
 * else stands in the file is kept. It is read with each question, so that what a person writes there holds at once.
 */
export function ruleStore(home: string): RuleStore {
  const location = join(home, 'rules.json');
  let last: Promise<unknown> = Promise.resolve();

  return {
    location,
    async read() {
      const file = await readRulesFile(location);
      return file.status === 'broken' ? { rules: NO_RULES, problems: [file.why] } : checked(file.content, location);
    },
    add(rule) {
      // One after the other, so that no rule is lost to another one.
      const added = last.then(() => addTo(home, location, rule));
      last = added;
      return added;
    },
  };
}

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

const rule = z.array(z.string()).min(1);
const rulesFile = z.looseObject({
  allow: z.array(rule).max(RULES_MAX).default([]),
  deny: z.array(rule).max(RULES_MAX).default([]),
});

type Content = z.infer<typeof rulesFile>;
type RulesFile = Readonly<{ status: 'read'; content: Content }> | Readonly<{ status: 'broken'; why: string }>;

async function readRulesFile(location: string): Promise<RulesFile> {
  try {
    const text = await textOf(location);
    const parsed = rulesFile.safeParse(text === null ? {} : JSON.parse(text));
    if (parsed.success) return { status: 'read', content: parsed.data };
    return broken(location, parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  } catch (error) {
    return broken(location, messageOf(error));
  }
}

function broken(location: string, what: string): RulesFile {
  return {
    status: 'broken',
    why: `The rules in ${location} are not used: ${what} Mend the file, or remove it; it is not written over.`,
  };
}

/** Null when there is none. Refuses a file that somebody else could have written. */
async function textOf(location: string): Promise<string | null> {
  const file = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    },
  );
  if (file === null) return null;
  try {
    const stats = await file.stat();
    const { uid, mode, size } = stats;
    const user = effectiveUser(uid);
    if (!stats.isFile()) throw new Error('Expected a file, got something else.');
    if (uid !== user) throw new Error(`Expected a file of the user who runs this (${user}), got one of user ${uid}.`);
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new Error(`Expected a file that only its owner may write. Try: chmod go-w '${location}'.`);
    }
    if (size > RULES_MAX_BYTES) throw new Error(`Expected at most ${RULES_MAX_BYTES} bytes, got ${size}.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Leaves out rules that would allow everything, and names them. */
function checked({ allow, deny }: Content, location: string): ReadRules {
  const unsafe = allow.flatMap((each) => whyUnsafeRule(each) ?? []);
  return {
    rules: { allow: allow.filter((each) => whyUnsafeRule(each) === null), deny },
    problems: unsafe.map((why) => `A rule in ${location} allows nothing: ${why}`),
  };
}

async function addTo(home: string, location: string, rule: CommandRule): Promise<AddedRule> {
  const unsafe = whyUnsafeRule(rule);
  if (unsafe !== null) return { status: 'not-kept', why: unsafe };
  const file = await readRulesFile(location);
  if (file.status === 'broken') return { status: 'not-kept', why: file.why };
  const { allow } = file.content;
  if (allow.some((known) => known.length === rule.length && known.every((word, at) => word === rule[at]))) {
    return { status: 'known' };
  }
  if (allow.length >= RULES_MAX) {
    return { status: 'not-kept', why: `Expected at most ${RULES_MAX} rules in ${location}. Remove some.` };
  }
  try {
    await mkdir(home, { recursive: true, mode: DIRECTORY_MODE });
    await replace(home, location, `${JSON.stringify({ ...file.content, allow: [...allow, rule] }, null, 2)}\n`);
    return { status: 'kept' };
  } catch (error) {
    return { status: 'not-kept', why: `The rule could not be written to ${location}: ${messageOf(error)}` };
  }
}

/** All of it or nothing, whenever the process is cut. */
async function replace(home: string, location: string, text: string): Promise<void> {
  const beside = join(home, `.rules-${randomBytes(8).toString('hex')}.tmp`);
  try {
    const file = await open(beside, 'wx', FILE_MODE);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(beside, location);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

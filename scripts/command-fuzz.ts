import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBashGrammar } from '../src/here/bash-grammar.ts';
import { type CommandFacts, judgeCommand } from '../src/policy/judge-command.ts';
import { plainCommands } from '../src/policy/plain-commands.ts';
import type { PlainCommand } from '../src/policy/raw-commands.ts';
import { seededRng } from '../src/testing/seeded-rng.ts';
import { anyCommand, BUILT_IN, LISTED, RULED } from './any-command.ts';

/** What came of it. `mismatches`: commands of which bash has made something else than the policy saw. */
export type FuzzReport = Readonly<{ cases: number; allowed: number; mismatches: readonly Mismatch[] }>;
export type Mismatch = Readonly<{ command: string; expected: readonly string[]; seen: readonly string[] }>;

/** Those that end with 1. */
const FAILING = new Set(['fails', 'false', 'grep']);

/** One in so many of the allowed commands is run with programs on a PATH, not with functions: that costs more. */
const WITH_PROGRAMS = 25;

/**
 * Makes commands by chance, judges them, and runs those that are allowed under the real bash, where each program and each
 * built-in only writes down how it was called. What is written down must be what the policy took for the words.
 */
export async function fuzzCommands({ cases, seed }: { cases: number; seed: number | string }): Promise<FuzzReport> {
  const grammar = await loadBashGrammar();
  if (grammar.status === 'missing') throw new Error(grammar.why);
  const programs = new Set([...RULED, ...LISTED]);
  const facts: CommandFacts = {
    grammar,
    resolveProgram: (name) => (programs.has(name) ? `/stubs/${name}` : null),
    rules: { allow: RULED.map((name) => [name]), deny: [] },
    ...{ workspace: '/work', cwd: '/work', confined: true },
  };
  const rng = seededRng(seed);
  const allowed: Allowed[] = [];
  for (let at = 0; at < cases; at += 1) {
    const command = anyCommand(rng);
    if (judgeCommand(command, facts).verdict !== 'allow') continue;
    const root = grammar.parse(command);
    const parts = root === null ? null : plainCommands(command, root);
    if (parts === null) throw new Error(`Expected an allowed command to be plain, got ${JSON.stringify(command)}.`);
    allowed.push({ command, parts });
  }
  const isForPrograms = ({ parts }: Allowed, at: number) =>
    at % WITH_PROGRAMS === 0 && parts.every(({ words: [name = ''] }) => programs.has(name));
  const [byPrograms, byFunctions] = [
    allowed.filter(isForPrograms),
    allowed.filter((each, at) => !isForPrograms(each, at)),
  ];
  const mismatches = await withPlace(async (place) => [
    ...(await mismatchesOf(byFunctions, place, 'functions')),
    ...(await mismatchesOf(byPrograms, place, 'programs')),
  ]);
  return { cases, allowed: allowed.length, mismatches };
}

type Allowed = Readonly<{ command: string; parts: readonly PlainCommand[] }>;
type Mode = 'functions' | 'programs';

/** How each program is to be called: not in this order, because those of a pipeline run at once. */
function callsOf(parts: readonly PlainCommand[]): readonly string[] {
  const calls: string[] = [];
  let runs = true;
  let ended = true;
  for (const { words, joint } of parts) {
    if (runs) {
      calls.push(JSON.stringify(words));
      ended = !FAILING.has(words[0] ?? '');
    }
    // Within a pipeline all run or none, and the last one counts.
    if (joint !== '|') runs = joint === '&&' ? ended : joint === '||' ? !ended : true;
  }
  return calls.sort();
}

async function mismatchesOf(allowed: readonly Allowed[], place: string, mode: Mode): Promise<readonly Mismatch[]> {
  const workers = Math.min(2, availableParallelism());
  const share = Math.ceil(allowed.length / workers);
  const found = await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const mine = allowed.slice(worker * share, (worker + 1) * share);
      const seen = await seenByBash(mine, place, mode, join(place, `${mode}-${worker}.log`));
      return mine.flatMap(({ command, parts }, at) => {
        const expected = callsOf(parts);
        const calls = seen[at] ?? [];
        return JSON.stringify(calls) === JSON.stringify(expected) ? [] : [{ command, expected, seen: calls }];
      });
    }),
  );
  return found.flat();
}

/** What ends a call in the log, and what ends a command: no word can contain them. */
const CALL_END = '\x01';
const COMMAND_END = '\x02';

/**
 * How the driver has one command run: with programs, as a session would; with functions, in a shell that is a copy of the driver, as
 * to read a hundred functions from the environment anew takes twenty times what the command does.
 */
const RUNS: Readonly<Record<Mode, string>> = {
  programs: '/bin/bash --noprofile --norc -c "$command"',
  functions: '( builtin eval "$command" )',
};

/** Runs each command for itself, and gives the calls that were written down. */
async function seenByBash(
  allowed: readonly Allowed[],
  place: string,
  mode: Mode,
  log: string,
): Promise<readonly (readonly string[])[]> {
  const driver = [
    `while IFS= read -r -d '' command; do`,
    `  ${RUNS[mode]} 9>>"$LOG" </dev/null >/dev/null 2>&1`,
    `  builtin printf '${COMMAND_END}\\0' >>"$LOG"`,
    'done',
  ].join('\n');
  writeFileSync(log, '');
  const running = spawn('/bin/bash', ['--noprofile', '--norc', '-c', driver], {
    cwd: join(place, 'empty'),
    env: { PATH: join(place, 'stubs'), LOG: log, ...(mode === 'functions' ? FUNCTIONS : {}) },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  running.stdin.end(allowed.map(({ command }) => `${command}\0`).join(''));
  const code = await new Promise((resolve, reject) => running.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`Expected the shell that runs the commands to end with 0, got ${code}.`);
  const commands: string[][] = [];
  let calls: string[] = [];
  let words: string[] = [];
  for (const field of readFileSync(log, 'utf8').split('\0')) {
    if (field === COMMAND_END) {
      commands.push(calls.sort());
      calls = [];
    } else if (field === CALL_END) {
      calls.push(JSON.stringify(words));
      words = [];
    } else words.push(field);
  }
  return commands;
}

/** Functions come before built-ins, so that these can be seen, too. The driver uses none of them but by `builtin`. */
const FUNCTIONS = Object.fromEntries(
  [...RULED, ...LISTED, ...BUILT_IN].map((name) => [
    `BASH_FUNC_${name}%%`,
    `() { builtin printf '%s\\0' ${quoted(name)} "$@" $'\\1' >&9; return ${FAILING.has(name) ? 1 : 0}; }`,
  ]),
);

function stubProgram(name: string): string {
  return `#!/bin/sh\nprintf '%s\\0' ${quoted(name)} "$@" '${CALL_END}' >&9\nexit ${FAILING.has(name) ? 1 : 0}\n`;
}

function quoted(name: string): string {
  return `'${name}'`;
}

async function withPlace<T>(act: (place: string) => Promise<T>): Promise<T> {
  const place = mkdtempSync(join(tmpdir(), 'troupe-commands-'));
  try {
    mkdirSync(join(place, 'empty'));
    mkdirSync(join(place, 'stubs'));
    for (const name of [...RULED, ...LISTED]) {
      writeFileSync(join(place, 'stubs', name), stubProgram(name));
      chmodSync(join(place, 'stubs', name), 0o755);
    }
    return await act(place);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { display } from '../policy/display.ts';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import { takeHandedKeys } from './handed-keys.ts';
import { type SortedArguments, sortArguments } from './known-options.ts';

/** What a shell and scripts know as "used in a wrong way". */
const EXIT_USAGE = 2;

const EXAMPLES = `
Examples:
  troupe demo                                   see what it does; needs no model and no key
  troupe doctor                                 see what works here, and which models are at hand
  troupe exec -m gpt-5 "fix the failing test"   let a model work in this directory
  troupe review -m gpt-5 --base main            let a model look for what is wrong with a change
  troupe undo --dry-run                         see what would be taken back of the last task's changes
  troupe help exec                              how to choose a model, and what may run
`;

const EXEC_HELP = `
The model is one of OpenAI's, or any server that speaks as OpenAI does (troupe doctor looks for local ones):
  OPENAI_API_KEY    the key (many local servers need none); CODEX_API_KEY when it is not set
  OPENAI_BASE_URL   the server; OpenAI when not set
  --wire            auto speaks the Responses API, and Chat Completions to a server that has only those

What may run (-s) and when you are asked (-a):
  Commands run in a sandbox (bubblewrap; troupe doctor says whether it works here). In workspace-write they write to the
  directory, --add-dir and a temporary directory of their own, in read-only nowhere; there is no network, keys and our own
  state are not seen, and repositories and settings of agents and editors stay as they are. danger-full-access lifts all that.
  With -a on-request what is confined runs without asking; what destroys work, or wants out of the sandbox, asks. With
  -a untrusted all but plain reads such as ls, cat and grep asks; with -a never nothing is asked, and what would need a
  decision is refused. Where there is no sandbox, all but plain reads asks, and each request says so.
  In a folder that you have said nothing of yet, you are asked once whether you trust it; the answer is kept in
  $TROUPE_HOME/trusted-folders.json. Where you do not, or nobody can be asked, nothing leaves the sandbox and your own rules
  allow nothing; a no also means -a untrusted, unless you give -a. A project can make all this stricter, by the keys sandbox,
  approvalPolicy, deny and protect in .troupe/config.json, and never less strict.
  You are asked at the terminal. Where standard input is none, and with --json and --events, requests are denied.

Settings may stand in $TROUPE_HOME/config.json: model, baseURL, sandbox, network, writableRoots, approvalPolicy, effort,
wireApi, and profiles (a name for a set of them, chosen with --profile). What counts more comes later: the file, the
profile, the environment (TROUPE_MODEL, OPENAI_MODEL, OPENAI_BASE_URL), --config, the other options.
  { "model": "gpt-5", "profiles": { "local": { "baseURL": "http://localhost:8080/v1", "model": "qwen3" } } }
  --config takes the keys that Codex has: openai_base_url, model, model_reasoning_effort, approval_policy, sandbox_mode,
  sandbox_workspace_write.network_access and .writable_roots.

For programs: --json writes one JSON object a line, the events of "codex exec --experimental-json", so that
@openai/codex-sdk can drive it (codexPathOverride); options that are not known have no effect then. --events writes the
session's own events, all of them.

A session goes on with troupe exec resume ID PROMPT, or resume --last PROMPT for the newest one of the directory.

Each session keeps a log under $TROUPE_HOME (else in the XDG state directory); where it is, is said at the end.
Ctrl-C stops the task, and says what that did. Exit codes: 0 completed, 1 failed, 2 used in a wrong way,
130 stopped by Ctrl-C, 143 by SIGTERM.

Examples:
  troupe exec -m gpt-5 "why does the test in test/cart.test.js fail?"
  troupe exec -m gpt-5 -s read-only - < question.md > answer.md
  OPENAI_BASE_URL=http://localhost:8080/v1 troupe exec -m qwen3 -C ~/shop "add a test for an empty cart"
`;

const REVIEW_HELP = `
The reviewer is a session of its own that may only read; what it wants besides is asked. Each finding is printed with its file and
lines; --json prints { findings, correctness, explanation }, where a finding is
{ title, body, confidence, priority, file, lines: { start, end } }.
Settings, models and exit codes are those of troupe exec.

Examples:
  troupe review -m gpt-5
  troupe review -m gpt-5 --base main --json | jq '.findings[] | .file'
  troupe review -m gpt-5 "look for races in src/queue.ts"
`;

const INSPECT_HELP = `
The address that is printed has a token: who has it sees, and decides, what the page shows. The page is served to this machine only
and loads nothing from elsewhere. To see a session as it runs, start it with troupe exec --inspect, or in a program of your own
with createSession({ inspect: pageInspector() }).

Examples:
  troupe inspect last
  troupe inspect            # then, in any XState program: createWebSocketInspector({ url }) with the second address
`;

/** Runs the command line; gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  takeHandedKeys(process.env);
  let exitCode = 0;
  const program = new Command('troupe')
    .description('Troupe runs tasks of coding agents: you say what is to be done, and decide what may run.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what the command does')
    .helpCommand('help [command]', 'print what a command does')
    .showHelpAfterError('(troupe --help tells what there is)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  program
    .command('demo')
    .description('shows a session at work in under a minute, without a model: a scripted one mends a failing test')
    .option('--interactive', 'you decide at the terminal what may run')
    .option('--keep', 'keep the directory in which it worked')
    .action(async (options) => {
      const { demo } = await import('./demo.ts');
      exitCode = await demo(options);
    });
  program
    .command('exec')
    .description('runs one task with a model: the answer goes to standard output, everything else to standard error')
    .argument('[prompt...]', 'what is to be done, as one argument; - reads it from standard input')
    .usage('[options] [resume <id> | resume --last] [prompt]')
    .option('-m, --model <model>', 'the model (else $TROUPE_MODEL, else $OPENAI_MODEL)')
    .option('-C, --directory <dir>', 'where to work', '.')
    .addOption(
      new Option('-s, --sandbox <mode>', 'what commands may touch (default: workspace-write)').choices([
        'read-only',
        'workspace-write',
        'danger-full-access',
      ]),
    )
    .addOption(
      new Option('-a, --approvals <policy>', 'when you are asked before something runs (default: on-request)').choices([
        'untrusted',
        'on-request',
        'never',
      ]),
    )
    .addOption(wireOption())
    .addOption(repeatable('--add-dir <dir>', 'another directory that commands may write to (repeatable)'))
    .option('-p, --profile <name>', 'a profile of the configuration file')
    .addOption(repeatable('-c, --config <key=value>', 'a setting by the name that Codex has for it (repeatable)'))
    .addOption(repeatable('-i, --image <file>', 'an image to look at (repeatable)'))
    .option('--output-schema <file>', 'a JSON Schema that the answer must fit')
    .option('-o, --output-last-message <file>', 'where the last answer is written')
    .option('--json', 'write events as lines of JSON, as Codex does')
    .addOption(new Option('--events', 'write all events of the session as lines of JSON').conflicts('json'))
    .addOption(new Option('--experimental-json').implies({ json: true }).hideHelp())
    .addOption(new Option('--cd <dir>').hideHelp())
    .addOption(new Option('--skip-git-repo-check').hideHelp())
    .addOption(new Option('--thread-source <source>').hideHelp())
    .option('--last', 'with resume: the newest session of the directory')
    .option('--inspect', 'serve a page that shows the session as it runs, and from which it is answered and stopped')
    .addHelpText('after', EXEC_HELP)
    .action(async (words: readonly string[], options, command: Command) => {
      const most = words[0] === 'resume' ? 3 : 1;
      if (words.length > most) {
        command.error(
          `error: too many arguments for 'exec'. Expected ${most === 1 ? '1 prompt' : 'resume, an id and 1 prompt'} but got ${words.length}; put it in quotes.`,
        );
      }
      const { exec } = await import('./exec.ts');
      const format = options.json ? 'json' : options.events ? 'events' : 'text';
      exitCode = await exec(words, { ...options, directory: options.cd ?? options.directory, format });
    });
  program
    .command('review')
    .description('has a model look for what is wrong with a change: what is not committed, when nothing else is said')
    .argument('[instructions]', 'what is to be looked at, in words')
    .option('--uncommitted', 'what is not committed yet')
    .addOption(new Option('--base <branch>', 'what was changed since this branch was left').conflicts('uncommitted'))
    .addOption(new Option('--commit <sha>', 'what a commit changes').conflicts(['uncommitted', 'base']))
    .option('-m, --model <model>', 'the model (else $TROUPE_MODEL, else $OPENAI_MODEL)')
    .option('-C, --directory <dir>', 'where the repository is', '.')
    .addOption(wireOption())
    .option('-p, --profile <name>', 'a profile of the configuration file')
    .addOption(repeatable('-c, --config <key=value>', 'a setting by the name that Codex has for it (repeatable)'))
    .option('--json', 'write the findings as one JSON object')
    .addHelpText('after', REVIEW_HELP)
    .action(async (instructions: string | undefined, options) => {
      const { review } = await import('./review.ts');
      exitCode = await review(instructions, options);
    });
  const sessions = program
    .command('sessions')
    .description('lists, shows, resumes, forks, exports and deletes sessions');
  sessions
    .command('list')
    .description('lists sessions, the newest first')
    .option('--all', 'sub-sessions as well')
    .option('-n, --limit <count>', 'at most so many', countOf, 20)
    .option('--json', 'write one JSON object a session')
    .action(async (options) => {
      exitCode = await (await import('./sessions.ts')).list(options);
    });
  sessions
    .command('show')
    .description('shows what was said and done in a session')
    .argument('<id>', 'its id, the beginning of it, or "last"')
    .option('--json', 'write its events as lines of JSON')
    .action(async (id: string, options) => {
      exitCode = await (await import('./sessions.ts')).show(id, options);
    });
  sessions
    .command('resume')
    .description('goes on with a session, where it has worked; exec resume has more options')
    .argument('<id>', 'its id, the beginning of it, or "last"')
    .argument('[prompt]', 'what is to be done; - reads it from standard input')
    .option('-m, --model <model>', 'another model than it was with')
    .option('-C, --directory <dir>', 'another directory than it has worked in')
    .action(async (id: string, prompt: string | undefined, options) => {
      exitCode = await (await import('./continue-session.ts')).resume(id, prompt, options);
    });
  sessions
    .command('fork')
    .description(
      'makes a session that begins with a copy of another one, and tells its id; the other one may be running',
    )
    .argument('<id>', 'its id, the beginning of it, or "last"')
    .option('--before <n>', 'what came before the n-th message of the user, counted from 1', countOf)
    .option('--at <item>', 'what came up to an item, by its id')
    .option('--json', 'write one JSON object')
    .action(async (id: string, { before, ...options }) => {
      const point = before === undefined ? {} : { before: before - 1 };
      exitCode = await (await import('./continue-session.ts')).fork(id, { ...options, ...point });
    });
  sessions
    .command('export')
    .description('writes the log of a session and of its sub-sessions; keys were taken out when it was written')
    .argument('<id>', 'its id, the beginning of it, or "last"')
    .action(async (id: string) => {
      exitCode = await (await import('./sessions.ts')).exportLogs(id);
    });
  sessions
    .command('delete')
    .description('deletes the log of a session and of its sub-sessions')
    .argument('<id>', 'its id, the beginning of it, or "last"')
    .option('--yes', 'do it; without this, only say what would be deleted')
    .action(async (id: string, options) => {
      exitCode = await (await import('./sessions.ts')).remove(id, options);
    });
  program
    .command('verify')
    .description('says whether a log is a legal trace of the charts, or which record is the first that is not, and why')
    .argument('<file>', 'the log, or the id of its session')
    .option('--json', 'write one JSON object')
    .action(async (file: string, options) => {
      const { verify } = await import('./verify.ts');
      exitCode = await verify(file, options);
    });
  program
    .command('why')
    .description(
      'says, from its log, what a session waits for, down to the last cause; of one that has ended, how it ended',
    )
    .argument('[session]', 'its id, the beginning of it, or "last"; the newest one of this directory when left out')
    .option('--last', 'the newest one of this directory')
    .option('--json', 'write one JSON object')
    .action(async (id: string | undefined, options) => {
      const { why } = await import('./why.ts');
      exitCode = await why(id, options);
    });
  program
    .command('inspect')
    .description(
      'serves a page on this machine: of a session that was, to go through it in time, or of XState programs that connect',
    )
    .argument('[session]', 'its id, the beginning of it, or "last"; without one, the page has a list of them')
    .option('--port <port>', 'where the page is served (default: whichever port is free)', portOf)
    .addHelpText('after', INSPECT_HELP)
    .action(async (id: string | undefined, options) => {
      const { inspect } = await import('./inspect.ts');
      exitCode = await inspect(id, options);
    });
  program
    .command('undo')
    .description('takes back what the last task has changed in this directory; what was changed since stays')
    .argument('[change]', 'a change by its id (that of an undo, to take back the undo)')
    .option('-C, --directory <dir>', 'the directory in which the task worked', '.')
    .option('-n, --tasks <count>', 'so many tasks, the newest first', countOf)
    .option('--dry-run', 'only say what would be done')
    .option('--list', 'say which changes are kept, the newest first')
    .option('--json', 'write one JSON value')
    .action(async (id: string | undefined, options) => {
      const { undo } = await import('./undo.ts');
      exitCode = await undo(id, options);
    });
  program
    .command('doctor')
    .description('says what works here and what does not, how to mend it, and which model servers this machine has')
    .option('-p, --profile <name>', 'a profile of the configuration file')
    .action(async (options) => {
      const { doctor } = await import('./doctor.ts');
      exitCode = await doctor(options);
    });
  const sorted = sortedForJson(argv.slice(2), program);
  for (const word of sorted?.unknown ?? [])
    process.stderr.write(`troupe: ${display(word)}: not known, so it has no effect\n`);
  try {
    if (argv.length <= 2) program.outputHelp();
    else await program.parseAsync(sorted?.argv ?? argv.slice(2), { from: 'user' });
    return exitCode;
  } catch (error) {
    // Who wrote a prompt to a process that ends without reading it would fail.
    if (sorted !== null) await (await import('./standard-input.ts')).drain(process.stdin);
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    process.stderr.write(`troupe: ${display(messageOf(error))}\n`);
    return error instanceof TroupeError && error.code === 'invalid-config' ? EXIT_USAGE : 1;
  }
}

/** The words of `exec --json`, which takes more than other commands do; null where they are something else. */
function sortedForJson(words: readonly string[], program: Command): SortedArguments | null {
  const options = program.commands.find((command) => command.name() === 'exec')?.options ?? [];
  const known = options.map(({ short, long, required }) => ({
    names: [short, long].filter((name) => name !== undefined),
    takesValue: required,
  }));
  const sorted = sortArguments(words, [...known, { names: ['-h', '--help'], takesValue: false }]);
  return sorted?.isJson ? sorted : null;
}

function wireOption(): Option {
  const text = "which of OpenAI's interfaces is spoken (default: auto)";
  return new Option('--wire <api>', text).choices(['responses', 'chat', 'auto']);
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Expected a number from 1.');
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('Expected a port from 1 to 65535.');
}

function repeatable(flags: string, description?: string): Option {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return new Option(flags, description).argParser(collect).default([], 'none');
}

function ownVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('troupe/package.json');
  return String(JSON.parse(readFileSync(manifest, 'utf8')).version);
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { display } from '../policy/display.ts';
import { messageOf, TroupeError } from '../protocol/errors.ts';

/** What a shell and scripts know as "used in a wrong way". */
const EXIT_USAGE = 2;

const EXAMPLES = `
Examples:
  troupe demo                                   see what it does; needs no model and no key
  troupe exec -m gpt-5 "fix the failing test"   let a model work in this directory
  troupe help exec                              how to choose a model, and what may run
`;

const EXEC_HELP = `
The model is one of OpenAI's, or any server that speaks as OpenAI does:
  OPENAI_API_KEY    the key (many local servers need none)
  OPENAI_BASE_URL   the server; OpenAI when not set

What may run (-s) and when you are asked (-a):
  Plain reads such as ls, cat and grep always run. In workspace-write, patches to files of the directory are made
  without asking, and every other command asks first. In read-only, patches ask as well. danger-full-access asks nothing.
  With -a untrusted every patch asks; with -a never nothing is asked, and what would need a decision is refused.
  Commands are not confined yet: one that you approve runs with your full rights, and each request says so.
  You are asked at the terminal. Where standard input is none, requests are denied.

Each session keeps a log under $TROUPE_HOME (else in the XDG state directory); where it is, is said at the end.
Ctrl-C stops the task, and says what that did. Exit codes: 0 completed, 1 failed, 2 used in a wrong way,
130 stopped by Ctrl-C, 143 by SIGTERM.

Examples:
  troupe exec -m gpt-5 "why does the test in test/cart.test.js fail?"
  troupe exec -m gpt-5 -s read-only - < question.md > answer.md
  OPENAI_BASE_URL=http://localhost:8080/v1 troupe exec -m qwen3 -C ~/shop "add a test for an empty cart"
`;

process.exit(await main(process.argv));

/** Runs the command line; gives the exit code. */
async function main(argv: readonly string[]): Promise<number> {
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
    .argument('[prompt]', 'what is to be done, as one argument; - reads it from standard input')
    .option('-m, --model <model>', 'the model (else $TROUPE_MODEL, else $OPENAI_MODEL)')
    .option('-C, --directory <dir>', 'where to work', '.')
    .addOption(
      new Option('-s, --sandbox <mode>', 'what commands may touch')
        .choices(['read-only', 'workspace-write', 'danger-full-access'])
        .default('workspace-write'),
    )
    .addOption(
      new Option('-a, --approvals <policy>', 'when you are asked before something runs')
        .choices(['untrusted', 'on-request', 'never'])
        .default('on-request'),
    )
    .addHelpText('after', EXEC_HELP)
    .action(async (prompt, options) => {
      const { exec } = await import('./exec.ts');
      exitCode = await exec(prompt, options);
    });
  try {
    if (argv.length <= 2) program.outputHelp();
    else await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    process.stderr.write(`troupe: ${display(messageOf(error))}\n`);
    return error instanceof TroupeError && error.code === 'invalid-config' ? EXIT_USAGE : 1;
  }
}

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve('troupe/package.json')), 'utf8'));
  return String(manifest.version);
}

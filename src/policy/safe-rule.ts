import { BASH_BUILTINS } from './bash-builtins.ts';
import { baseName, isOption } from './command-words.ts';
import { builtinDenial } from './denied-programs.ts';
import { isWrapper } from './reached-commands.ts';

/** How many words a rule may have, and how many characters. */
export const RULE_WORDS_MAX = 32;
export const RULE_CHARACTERS_MAX = 1_000;

/**
 * Why a rule must not allow anything, in words for people: it would allow all there is, because its program runs what its
 * further words say. Null for a rule that is good.
 */
export function whyUnsafeRule(rule: readonly string[]): string | null {
  const [first = '', second] = rule;
  const program = baseName(first);
  const shown = JSON.stringify(rule);
  if (rule.length > RULE_WORDS_MAX || rule.join(' ').length > RULE_CHARACTERS_MAX) {
    return `Expected a rule of at most ${RULE_WORDS_MAX} words and ${RULE_CHARACTERS_MAX} characters, got a longer one.`;
  }
  if (first === '' || rule.some((word) => UNSEEN.test(word))) {
    return `Expected a rule of words without control characters that begins with a program, got ${shown}.`;
  }
  if (first.includes('/') && !/^(?:\/[\w.+-]*[\w+-])+$/.test(first)) {
    return `Expected a program by its name or its whole path, got ${shown}.`;
  }
  if (BASH_BUILTINS.has(first)) return `Expected a program, got ${first}, which the shell does itself.`;
  if (builtinDenial(rule) !== null) return `Expected a program that may be run, got ${shown}.`;
  if (isWrapper(program) || RUNNERS.has(program)) return `Expected a rule for one program, but ${program} runs others.`;
  if (isInterpreter(program)) {
    const named = second === '-m' ? rule[2] : second;
    return named === undefined || isOption(named) ? `Expected a rule that says which program ${program} runs.` : null;
  }
  if (!MANY_IN_ONE.has(program)) return null;
  if (second === undefined || isOption(second)) return `Expected a rule that says what ${program} does, got ${shown}.`;
  if (NEVER[program]?.includes(second)) return `Expected a rule for one program, but ${program} ${second} runs others.`;
  const third = rule[2];
  if (!RUNNING[program]?.includes(second)) return null;
  return third === undefined || isOption(third)
    ? `Expected a rule that says what ${program} ${second} runs, got ${shown}.`
    : whyUnsafeRule(rule.slice(2));
}

/** The rule to suggest for a simple command: as much of it as says what it does, and never one that is not safe. */
export function ruleFor(words: readonly string[]): readonly string[] | null {
  const rule = words.slice(0, lengthFor(words));
  return whyUnsafeRule(rule) === null ? rule : null;
}

function lengthFor([name = '', second = '']: readonly string[]): number {
  if (isInterpreter(name)) return second === '-m' ? 3 : 2;
  if (MANY_IN_ONE.has(name)) return RUNNING[name]?.includes(second) ? 3 : 2;
  // Further words could still be anything, but these were seen.
  return Number.POSITIVE_INFINITY;
}

const UNSEEN = /\p{C}|\p{Zl}|\p{Zp}/u;

function isInterpreter(program: string): boolean {
  return /^(?:python|pypy|node|nodejs|ruby|perl|php|lua|luajit|rscript|tclsh|tsx|ts-node)[\d.]*$/.test(program);
}

/** Programs that are given code or another program by an option, or by a file, whatever else stands there. */
const RUNNERS = new Set(
  (
    'awk gawk mawk nawk sed ed ex vi vim nvim view emacs nano less more man ssh scp sftp rsync tar zip cpio gdb lldb expect ' +
    'osascript pwsh powershell screen tmux at batch crontab socat nc ncat netcat telnet ftp bc dc m4 sqlite3 psql mysql fd ' +
    'fdfind entr sem rlwrap systemd-run firejail bwrap dbus-run-session xvfb-run torsocks proxychains ld.so tclsh8.6 tee dd'
  ).split(' '),
);

/** Programs that do many things, and say which by their second word. */
const MANY_IN_ONE = new Set(
  (
    'git npm npx pnpm pnpx yarn bun bunx deno corepack cargo rustup go make gmake just task rake gradle gradlew mvn sbt dotnet ' +
    'docker podman kubectl helm terraform aws gcloud az gh glab pip pip3 pipx uv uvx poetry pipenv hatch tox nox conda ' +
    'mamba brew apt apt-get dnf yum pacman apk snap nix systemctl service launchctl bundle gem composer bazel cmake ninja ' +
    'meson hg svn openssl'
  ).split(' '),
);

/** Their second words that run what the third one names. */
const RUNNING: Readonly<Record<string, readonly string[]>> = {
  npm: ['run', 'run-script', 'exec', 'x'],
  pnpm: ['run', 'exec', 'dlx'],
  yarn: ['run', 'exec', 'dlx'],
  bun: ['run', 'x'],
  deno: ['run', 'task'],
  go: ['run', 'tool'],
  uv: ['run', 'tool'],
  poetry: ['run'],
  pipenv: ['run'],
  hatch: ['run'],
  pipx: ['run'],
  bundle: ['exec'],
  conda: ['run'],
};

/** Their second words that run anything, for which no rule is narrow enough. */
const NEVER: Readonly<Record<string, readonly string[]>> = {
  git: ['config', 'bisect', 'rebase', 'submodule', 'difftool', 'mergetool', 'filter-branch', 'alias'],
  docker: ['run', 'exec', 'compose', 'container'],
  podman: ['run', 'exec', 'compose', 'container', 'unshare'],
  kubectl: ['exec', 'run', 'debug'],
  nix: ['run', 'shell', 'develop'],
  npm: ['config', 'set'],
  deno: ['eval'],
  go: ['generate', 'tool'],
  gh: ['alias', 'extension', 'api'],
  uv: ['tool'],
  npx: ['bash', 'sh'],
};

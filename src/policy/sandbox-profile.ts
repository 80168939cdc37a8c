import { join, resolve } from 'node:path';
import type { Confinement, SandboxProfile } from '../process/port.ts';
import type { TaskContext } from '../protocol/settings.ts';

/** How sandboxes differ from the usual one. Paths are absolute or relative to the working directory of the session. */
export type SandboxSettings = Readonly<{
  /** Whether commands that may write to the workspace reach the network; they do not when left out. */
  network?: boolean;
  /** Where commands may write besides the working directory. */
  writableRoots?: readonly string[];
  /** Names in writable directories that stay as they are, besides the usual ones. */
  protectedNames?: readonly string[];
  /** What commands do not see, besides the usual places of secrets. */
  hidden?: readonly string[];
}>;

/** Where the user's own things and ours are. */
export type Places = Readonly<{ userHomes: readonly string[]; state: string }>;

/** What confines a command of a task. `escalated` lifts the limits of files and network, and only those. */
export function confinementOf(
  context: TaskContext,
  settings: SandboxSettings,
  places: Places,
  escalated: boolean,
): Confinement {
  if (escalated || context.sandbox === 'danger-full-access') return { type: 'container' };
  return { type: 'sandbox', profile: sandboxProfile(context, settings, places) };
}

/** What a sandboxed command of a task may do. */
export function sandboxProfile(
  { cwd, sandbox }: Pick<TaskContext, 'cwd' | 'sandbox'>,
  { network = false, writableRoots = [], protectedNames = [], hidden = [] }: SandboxSettings,
  { userHomes, state }: Places,
): SandboxProfile {
  const mayWrite = sandbox === 'workspace-write';
  return {
    writableRoots: mayWrite ? [cwd, ...writableRoots].map((root) => resolve(cwd, root)) : [],
    protectedNames: [...PROTECTED_NAMES, ...SHELL_NAMES, ...protectedNames],
    reservedNames: [...RESERVED_NAMES, ...protectedNames],
    visible: [cwd],
    hidden: [
      ...userHomes.flatMap((home) => SECRETS_OF_A_USER.map((path) => join(home, path))),
      ...SECRETS_OF_THE_MACHINE,
      ...hidden.map((path) => resolve(cwd, path)),
      state,
    ],
    network: mayWrite && network,
    state,
  };
}

/**
 * Names of files and directories that programs outside of the sandbox run or obey without asking: of agents, editors and
 * what starts with a directory. Each was the way out in a published case (CVE-2025-59536, CVE-2026-25725 and others).
 */
const RESERVED_NAMES: readonly string[] = [
  ...['.troupe', '.codex', '.claude', '.agents', '.cursor', '.gemini', '.mcp.json'],
  ...['.vscode', '.idea', '.zed', '.devcontainer', '.envrc'],
];

/** Besides those, repositories: a new one may be made, as git itself runs nothing of it for us. */
const PROTECTED_NAMES: readonly string[] = [
  ...RESERVED_NAMES,
  '.git',
  '.hg',
  '.svn',
  '.gitmodules',
  '.husky',
  '.direnv',
];

/** What shells and git read at their start, for those who work in their home directory. */
const SHELL_NAMES: readonly string[] = [
  ...['.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.profile', '.gitconfig'],
  ...['.zshrc', '.zshenv', '.zprofile', '.zlogin'],
];

/** Credentials, keys and profiles of browsers, from the user's own directory. */
const SECRETS_OF_A_USER: readonly string[] = [
  ...['.ssh', '.gnupg', '.netrc', '.git-credentials', '.config/git/credentials', '.password-store', '.vault-token'],
  ...['.aws', '.azure', '.config/gcloud', '.kube', '.docker', '.config/containers', '.terraform.d', '.config/doctl'],
  ...['.config/gh', '.config/glab-cli', '.config/hub', '.config/op', '.npmrc', '.yarnrc.yml', '.pypirc'],
  ...[
    '.cargo/credentials',
    '.cargo/credentials.toml',
    '.gem/credentials',
    '.m2/settings.xml',
    '.gradle/gradle.properties',
  ],
  ...['.mozilla', '.config/google-chrome', '.config/chromium', '.config/BraveSoftware', '.config/microsoft-edge'],
  ...['.config/vivaldi', '.config/opera', '.thunderbird', '.local/share/keyrings', '.config/kwalletd'],
  ...['.codex', '.claude', '.claude.json', '.config/opencode', '.local/share/opencode', '.gemini', '.config/goose'],
  ...['.bash_history', '.zsh_history', '.python_history', '.node_repl_history', '.psql_history', '.mysql_history'],
  ...['.pgpass', '.my.cnf', '.boto', '.s3cfg', '.config/rclone', '.config/sops', '.electrum', '.bitcoin'],
];

const SECRETS_OF_THE_MACHINE: readonly string[] = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssl/private',
  '/etc/krb5.keytab',
  '/var/lib/sss',
  '/var/run/docker.sock',
];

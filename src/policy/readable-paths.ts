import { directoryContains } from './directory-contains.ts';

/** `recursive`: what is below it is read, too. `workspace` is absolute. */
type Reading = Readonly<{ recursive: boolean; workspace: string }>;

/**
 * Whether a file may be read without asking, going by its name alone: in the workspace, or what a system has for all, and
 * nothing that is called as secrets are. It is a convenience: it says nothing about where links lead.
 */
export function mayRead(path: string, { recursive, workspace }: Reading): boolean {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..') || segments.some(isSecret)) return false;
  if (!path.startsWith('/')) return true;
  const whole = `/${segments.join('/')}`;
  if (workspace !== '/' && directoryContains(workspace, whole)) return true;
  return !recursive && (SYSTEM_FILES.has(whole) || SYSTEM_DIRECTORIES.has(segments[0] ?? ''));
}

/** Whether a command may go there: within the workspace. */
export function mayEnter(path: string, workspace: string): boolean {
  const inside = path.startsWith('/') ? workspace !== '/' && directoryContains(workspace, path) : true;
  return inside && path !== '' && path !== '-' && mayRead(path, { recursive: true, workspace });
}

/** Whether a pattern of paths speaks of what is called as secrets are. */
export function namesSecret(pattern: string): boolean {
  return pattern.split('/').some((segment) => isSecret(segment.replace(/^!|\*+$/g, '')));
}

/** What every installation of a system has, and nobody keeps to himself. Not /proc, /dev and /sys: their files are none. */
const SYSTEM_DIRECTORIES = new Set(['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64']);
const SYSTEM_FILES = new Set(
  ['hosts', 'hostname', 'os-release', 'lsb-release', 'debian_version', 'alpine-release', 'redhat-release', 'issue'].map(
    (name) => `/etc/${name}`,
  ),
);

/** Git has a commit and a colon before a file. */
function isSecret(segment: string): boolean {
  const name = segment.slice(segment.lastIndexOf(':') + 1).toLowerCase();
  return SECRET_NAMES.has(name) || SECRET_NAME.test(name);
}

const SECRET_NAMES = new Set([
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.gcloud', 'gcloud', '.password-store', '.mozilla'],
  ...['.netrc', '_netrc', '.git-credentials', '.npmrc', '.yarnrc', '.pypirc', '.pgpass', '.my.cnf', '.dockercfg'],
  ...['.vault-token', '.terraformrc', '.htpasswd', 'credentials', 'credentials.json', 'secrets.yml', 'secrets.yaml'],
  ...['.bash_history', '.zsh_history', '.python_history', '.node_repl_history', '.psql_history', '.mysql_history'],
  ...['shadow', 'gshadow', 'master.passwd', 'keyrings', 'login.keychain'],
]);

/** `.env` and its kin but the examples, private keys, stores of keys. */
const SECRET_NAME =
  /^\.env(?:rc)?(?:$|\.(?!example$|sample$|template$|dist$))|^id_(?:rsa|dsa|ecdsa|ed25519)|\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)$/;

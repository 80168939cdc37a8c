import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What must never be seen from inside. Joined here, so that it stands nowhere else. */
export const SECRET = ['an', 'escape', 'canary'].join('-');

/** What attempts are made against, and what the host keeps of it. */
export type Place = Readonly<{
  work: string;
  outside: string;
  home: string;
  state: string;
  /** Listening on the host, by name. */
  sockets: Readonly<{ run: string; home: string; work: string; abstract: string }>;
  tcp: number;
  tcp6: number;
  udp: number;
  /** A process of the host that nobody may end or look into; the secret is in its environment. */
  victim: number;
  shared: string;
}>;

export type Stage = Readonly<{
  place: Place;
  /** What has reached the host's sockets, and lets go of it. */
  reached(): readonly string[];
  victimLives(): boolean;
  strike(): Promise<void>;
}>;

/** Below a directory that commands see: what is below /tmp is not there for them. */
const BASES = ['/var/lib', homedir()];

/** Sets everything up on this machine; `owner` is to be the owner of what a command may write. */
export async function setStage(owner: number): Promise<Stage> {
  const base = realpathSync(mkdtempSync(join(baseFor(), 'troupe-escape-')));
  const [work, outside, home, state] = ['work', 'outside', 'home', 'state'].map((name) => join(base, name)) as [
    string,
    string,
    string,
    string,
  ];
  const run = join(base, 'run');
  const nested = ['.git/hooks', '.vscode', 'sub/.git/hooks', 'store/worktrees/a', 'tree'];
  for (const path of [
    outside,
    join(home, '.ssh'),
    join(state, 'sessions'),
    run,
    ...nested.map((name) => join(work, name)),
  ])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(work, '.git/config'), '[core]\n');
  writeFileSync(join(work, '.vscode/settings.json'), '{}\n');
  writeFileSync(join(work, 'tree/.git'), 'gitdir: ../store/worktrees/a\n');
  writeFileSync(join(work, 'store/worktrees/a/commondir'), '../..\n');
  writeFileSync(join(outside, 'victim'), 'as it was');
  writeFileSync(join(home, '.ssh/id'), SECRET);
  writeFileSync(join(home, '.bashrc'), 'as it was');
  writeFileSync(join(state, 'sessions/log'), SECRET);
  symlinkSync(outside, join(work, 'way'));
  const shared = `/dev/shm/troupe-escape-${process.pid}`;
  writeFileSync(shared, SECRET);
  if (process.geteuid?.() === 0) for (const path of [base, shared]) give(path, owner);
  const seen: string[] = [];
  const names = {
    run: join(run, 's'),
    home: join(home, 's'),
    work: join(work, 's'),
    abstract: `\0troupe-escape-${process.pid}`,
  };
  const servers = await Promise.all(
    Object.entries(names).map(([name, path]) => listen({ path }, () => seen.push(`${name} socket`))),
  );
  const tcp = await listen({ port: 0, host: '127.0.0.1' }, () => seen.push('tcp'));
  const tcp6 = await listen({ port: 0, host: '::1' }, () => seen.push('tcp6')).catch(() => null);
  const udp = await receive(() => seen.push('udp'));
  if (process.geteuid?.() === 0) for (const path of [names.run, names.home, names.work]) chownSync(path, owner, owner);
  const victim = spawn('sleep', ['900'], {
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', SECRET },
    uid: process.geteuid?.() === 0 ? owner : undefined,
  });
  const place: Place = {
    ...{ work, outside, home, state, shared, sockets: names },
    ...{ tcp: portOf(tcp), tcp6: tcp6 === null ? 0 : portOf(tcp6), udp: udp.address().port, victim: victim.pid ?? 0 },
  };
  return {
    place,
    reached: () => seen.splice(0),
    victimLives: () => victim.exitCode === null && victim.signalCode === null,
    async strike() {
      for (const server of [...servers, tcp, ...(tcp6 === null ? [] : [tcp6])]) server.close();
      udp.close();
      await ended(victim);
      for (const path of [base, shared]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Names, kinds, permissions and contents of all that must stay as it is. */
export function hostOf({ work, outside, home, state }: Place): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  const visit = (path: string) => {
    // Where we note what has to be tidied up.
    if (path === join(state, 'placeholders')) return;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isDirectory()) {
      kept[`${path}/`] = mode;
      for (const name of readdirSync(path)) visit(join(path, name));
    } else kept[path] = stats.isFile() ? `${mode} ${readFileSync(path, 'utf8')}` : `${mode} special`;
  };
  for (const path of [
    outside,
    home,
    state,
    ...['.git', '.vscode', 'sub/.git', 'store', 'tree/.git'].map((name) => join(work, name)),
  ])
    visit(path);
  for (const name of readdirSync(work)) {
    const stats = lstatSync(join(work, name));
    if (stats.isBlockDevice() || stats.isCharacterDevice() || (stats.mode & 0o6000) !== 0)
      kept[`special ${name}`] = stats.mode.toString(8);
    if (stats.isFile() && stats.size > HUGE_BYTES) kept[`huge ${name}`] = String(stats.size);
    if (/^\.(?!git$|vscode$)/.test(name)) kept[`reserved ${name}`] = 'is there';
  }
  return kept;
}

/** No file of a command gets larger. */
export const HUGE_BYTES = 5_000_000_000;

function baseFor(): string {
  const [first = '/', second = first] = BASES;
  return process.geteuid?.() === 0 ? first : second;
}

function give(path: string, owner: number): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) for (const name of readdirSync(path)) give(join(path, name), owner);
  if (!stats.isSymbolicLink()) chownSync(path, owner, owner);
}

function listen(where: { path: string } | { port: number; host: string }, onReached: () => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      onReached();
      socket.destroy();
    });
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}

function receive(onReached: () => void): Promise<DatagramSocket> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.on('message', onReached);
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

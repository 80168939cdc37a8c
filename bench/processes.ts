import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figures } from './measures.ts';
import type { PeerName } from './peer.ts';
import type { Scenario } from './scenarios.ts';

export type RunningServer = Readonly<{ url: string; stop(): void }>;

/** Starts the model server in a process of its own; it ends with this one, whatever happens. */
export async function startServer(): Promise<RunningServer> {
  const server = spawnNode([pathOf('./server.ts')], 'pipe');
  const port = await firstLine(server);
  return { url: `http://127.0.0.1:${port}`, stop: () => server.stdin?.end() };
}

export type Measurement = Readonly<{ scenario: Scenario; peer: PeerName; serverURL: string; quick: boolean }>;

/** Makes one measurement in a fresh process. Rejects when it fails; what it says goes to standard error. */
export async function measureInFreshProcess(measurement: Measurement): Promise<Figures> {
  const { scenario, peer, serverURL, quick } = measurement;
  const words = [scenario.name, peer, serverURL, quick ? 'quick' : 'full'];
  const worker = spawnNode(['--expose-gc', pathOf('./worker.ts'), ...words], 'ignore');
  return JSON.parse(await firstLine(worker));
}

function spawnNode(words: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], {
    stdio: [stdin, 'pipe', 'inherit'],
  });
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      reject(new Error(`Expected a line from ${child.spawnargs.slice(2).join(' ')}, got its end (${signal ?? code}).`));
    });
  });
}

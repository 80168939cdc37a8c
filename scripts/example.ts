// Runs an example: npm run example 05. With OPENAI_API_KEY or OPENAI_BASE_URL set it speaks to a real model; else to a server on
// this machine that plays lines which are written down in examples/scripts.ts, over real HTTP.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { scripts } from '../examples/scripts.ts';
import { type Script, scriptedWire } from '../src/testing/index.ts';

const directory = join(import.meta.dirname, '..', 'examples');

/** The files of the examples by their numbers. */
export function examples(): ReadonlyMap<string, string> {
  const files = readdirSync(directory).filter((name) => /^\d\d-.*\.ts$/.test(name));
  return new Map(files.toSorted().map((name) => [name.slice(0, 2), join(directory, name)]));
}

/** Runs a file against a scripted server; gives its exit code. */
export async function runScripted(
  file: string,
  script: Script,
  onOutput: (text: string) => void,
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const server = await listen(script);
  const { port } = server.address() as AddressInfo; // What `listen` with a port gives.
  const env = { ...process.env, OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: 'scripted', ...more };
  try {
    return await run(file, env, onOutput);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function run(file: string, env: NodeJS.ProcessEnv, onOutput: (text: string) => void): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8').on('data', onOutput);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

async function listen(script: Script): Promise<Server> {
  const wire = scriptedWire(script);
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort());
    const response = await wire.fetch(
      new Request(`http://scripted.invalid${incoming.url}`, {
        method: incoming.method ?? 'GET',
        body: Buffer.concat(chunks),
        signal: gone.signal,
      }),
    );
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const bytes of response.body ?? []) outgoing.write(bytes);
    outgoing.end();
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

if (import.meta.main) {
  const [number = ''] = process.argv.slice(2);
  const file = examples().get(number.padStart(2, '0'));
  const script = scripts[number.padStart(2, '0')];
  const say = (text: string) => void process.stdout.write(text);
  if (file === undefined || script === undefined) {
    const known = [...examples().values()].map((path) => path.slice(directory.length + 1)).join('\n  ');
    console.error(`Expected the number of an example, got ${JSON.stringify(number)}. There are:\n  ${known}`);
    process.exitCode = 2;
  } else if (process.env.OPENAI_API_KEY !== undefined || process.env.OPENAI_BASE_URL !== undefined) {
    process.exitCode = await run(file, process.env, say);
  } else {
    console.error(
      'The model is scripted: it plays lines from examples/scripts.ts. Set OPENAI_API_KEY to have a real one.',
    );
    process.exitCode = await runScripted(file, script, say);
  }
}

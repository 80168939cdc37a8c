import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LAUNCHER = join(import.meta.dirname, '../../bin/troupe');

/** A package as npm lays it out: <place>/node_modules/troupe, with the program in it that `main` is. */
let place: string;
let root: string;

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe bin ')));
  root = join(place, 'node_modules/troupe');
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync(LAUNCHER, join(root, 'bin/troupe'));
  put('dist/src/cli/main.cjs', 'console.log(JSON.stringify(["dist", ...process.argv.slice(2)]));');
  tool('readlink');
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

function put(path: string, text: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
}

/** Lets the launcher find a command of the machine, and no other. */
function tool(name: string): void {
  const { stdout } = spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  mkdirSync(join(place, 'path'), { recursive: true });
  symlinkSync(stdout.trim(), join(place, 'path', name));
}

/** A Node that tells its version and what it is asked to run. */
function fakeNode(path: string, version: string): void {
  const name = path.split('/').slice(0, -2).join('/');
  chmodSync(put(path, `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\necho "${name}:" "$@"\n`), 0o755);
}

function realNode(): void {
  symlinkSync(process.execPath, join(place, 'path/node'));
}

function run(args: readonly string[] = [], launcher = join(root, 'bin/troupe'), cwd = place) {
  const { status, stdout, stderr } = spawnSync(launcher, args, {
    cwd,
    env: { PATH: join(place, 'path') },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the program that bin/troupe starts', () => {
  it('gets its arguments word for word', () => {
    realNode();
    const args = ['exec', 'two words', '', '--', '"$HOME"', '*', "it's", 'line\nbreak'];
    expect(run(args)).toEqual({ status: 0, stdout: `${JSON.stringify(['dist', ...args])}\n`, stderr: '' });
  });

  it('is the built one in an installed package and the source in a clone', () => {
    realNode();
    expect(run().stdout).toBe('["dist"]\n');
    put('src/cli/main.ts', 'const word: string = "source"; console.log(word);');
    renameSync(root, join(place, 'clone')); // Node strips no types under node_modules.
    expect(run([], join(place, 'clone/bin/troupe')).stdout).toBe('source\n');
  });

  it('is found through symbolic links, also relative ones, from anywhere', () => {
    realNode();
    mkdirSync(join(place, 'node_modules/.bin'));
    symlinkSync('../troupe/bin/troupe', join(place, 'node_modules/.bin/troupe'));
    symlinkSync(join(place, 'node_modules/.bin/troupe'), join(place, 'path/troupe'));
    symlinkSync(place, join(place, 'path/here'));
    expect(run(['a'], join(place, 'path/troupe'), '/').stdout).toBe('["dist","a"]\n');
    expect(run(['a'], './path/here/node_modules/.bin/troupe').stdout).toBe('["dist","a"]\n');
    const { stdout } = spawnSync('/bin/sh', ['-c', 'troupe b'], {
      env: { PATH: join(place, 'path') },
      encoding: 'utf8',
    });
    expect(stdout).toBe('["dist","b"]\n');
  });

  it('ends with its own status', () => {
    realNode();
    put('dist/src/cli/main.cjs', 'process.exitCode = 7;');
    expect(run().status).toBe(7);
  });

  it('takes the place of the launcher, so that signals reach it', async () => {
    realNode();
    put(
      'dist/src/cli/main.cjs',
      `process.on('SIGTERM', () => process.exit(9));
      process.stdin.on('end', () => process.exit(3)).resume();
      console.log(process.pid);`,
    );
    const child = spawn(join(root, 'bin/troupe'), {
      env: { PATH: join(place, 'path') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const [pid] = await once(child.stdout, 'data');
      expect(String(pid).trim()).toBe(String(child.pid));
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([9, null]);
    } finally {
      child.stdin.end(); // Ends the program also where the signal did not reach it.
    }
  });
});

describe('the Node that bin/troupe picks', () => {
  const main = () => join(root, 'dist/src/cli/main.cjs');

  it('is the one of the clone, then the one beside the package, then the one on the PATH', () => {
    fakeNode('../../path/node', 'v22.13.0');
    expect(run(['x']).stdout).toBe(`../..: ${main()} x\n`);
    fakeNode('../node/bin/node', 'v24.0.0');
    expect(run(['x']).stdout).toBe(`../node: ${main()} x\n`);
    fakeNode('node_modules/node/bin/node', 'v23.0.0');
    expect(run(['x']).stdout).toBe(`node_modules/node: ${main()} x\n`);
  });

  it.each(['v20.20.2', 'v22.12.9', 'v9.99.0', 'no version'])(
    'is never an old one (%s) when a newer one is there',
    (old) => {
      fakeNode('node_modules/node/bin/node', old);
      fakeNode('../../path/node', 'v100.0.0');
      expect(run(['x']).stdout).toBe(`../..: ${main()} x\n`);
    },
  );

  it('is named with what is expected when all are too old', () => {
    fakeNode('../../path/node', 'v20.20.2');
    expect(run()).toEqual({
      status: 1,
      stdout: '',
      stderr: [
        `troupe: expected Node 22.13 or newer, got ${join(place, 'path/node')} is v20.20.2.`,
        "Install a newer Node (https://nodejs.org), or 'npm install node@24' beside troupe.",
        '',
      ].join('\n'),
    });
  });

  it('must know types in a clone, which says how to get one', () => {
    fakeNode('../../path/node', 'v22.17.1');
    expect(run().status).toBe(0);
    put('src/cli/main.ts', '');
    put('package-lock.json', '{}');
    expect(run()).toEqual({
      status: 1,
      stdout: '',
      stderr: [
        `troupe: expected Node 22.18 or newer, got ${join(place, 'path/node')} is v22.17.1.`,
        `Run 'npm ci' in ${root}, which brings a Node of its own, or install one: https://nodejs.org`,
        '',
      ].join('\n'),
    });
  });

  it('is asked for when there is none', () => {
    expect(run()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('expected Node 22.13 or newer, got none.'),
    });
  });
});

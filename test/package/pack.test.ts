import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isThorough } from '../rounds.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Packing compiles everything, and installing asks the registry for the dependencies. */
const PACK_MS = 300_000;

/** Node as the suites run on it comes first, also for what npm starts. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

/** Skipped while one of the doors of the library is not there yet, and where git is missing. */
const canPack =
  ['src/index.ts', 'src/machines.ts', 'src/testing/index.ts', 'src/cli/main.ts'].every((path) =>
    existsSync(join(ROOT, path)),
  ) && spawnSync('git', ['--version']).status === 0;

describe.skipIf(!canPack)('the package, installed in another project', { timeout: PACK_MS }, () => {
  let place: string;
  let clone: string;
  let project: string;

  beforeAll(() => {
    place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-pack-')));
    clone = join(place, 'clone');
    project = join(place, 'project');
    copyRepository(clone);
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent'], clone));
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
    const archive = join(clone, packed.filename);
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', archive], project);
  }, PACK_MS);

  afterAll(() => rmSync(place, { recursive: true, force: true }));

  it('serves its page from what was built', () => {
    writeFileSync(
      join(project, 'page.js'),
      `import { pageInspector } from 'troupe/inspect';
      const page = pageInspector({ announce: () => {} });
      const { url } = await page.served;
      const first = await fetch(url, { redirect: 'manual' });
      const cookie = first.headers.get('set-cookie').split(';')[0];
      const html = await (await fetch(new URL('/', url), { headers: { cookie } })).text();
      const parts = [...html.matchAll(/(?:src|href)="(\\/[^"]+)"/g)].map(([, path]) => path);
      const statuses = await Promise.all(parts.map(async (path) => (await fetch(new URL(path, url), { headers: { cookie } })).status));
      console.log(JSON.stringify(parts.map((path, at) => [path, statuses[at]])));
      await page.close();`,
    );
    expect(JSON.parse(run(process.execPath, ['page.js'], project))).toEqual([
      ['/modules/inspect/page/style.css', 200],
      ['/packages/elkjs/lib/elk-api.js', 200],
      ['/modules/inspect/page/main.js', 200],
    ]);
  });

  it('is imported by each of its names', () => {
    const names = ['troupe', 'troupe/machines', 'troupe/testing', 'troupe/inspect'];
    writeFileSync(
      join(project, 'names.js'),
      `const names = ${JSON.stringify(names)};
      const modules = await Promise.all(names.map((name) => import(name)));
      console.log(JSON.stringify(modules.map((module) => Object.keys(module))));`,
    );
    const [main, machines, testing, inspect] = JSON.parse(run(process.execPath, ['names.js'], project));
    expect(main).toEqual(expect.arrayContaining(['createSession', 'openaiModel', 'defineTask', 'defineTool']));
    expect(machines).toEqual(expect.arrayContaining(['lifecycle', 'sessionMachine', 'regularTask']));
    expect(inspect).toEqual(['pageInspector', 'sanitized', 'statelyInspector']);
    expect(testing).toEqual(expect.arrayContaining(['scriptedModel']));
  });

  it('finds the grammar of bash, so that what only reads runs unasked', () => {
    writeFileSync(
      join(project, 'reads.js'),
      `import { createSession } from 'troupe';
      import { scriptedModel } from 'troupe/testing';
      const call = (command) => ({ call: { name: 'shell', arguments: { command } } });
      const model = scriptedModel([call('pwd && cat package.json | head -n 1'), call('rm -rf none'), { say: 'Done.' }]);
      const session = createSession({ model, approvalPolicy: 'never', rollout: 'off' });
      await session.run('Look.').outcome;
      const items = session.history().filter(({ type }) => type === 'command_execution');
      console.log(JSON.stringify(items.map(({ status }) => status)));
      await session.close();`,
    );
    expect(JSON.parse(run(process.execPath, ['reads.js'], project))).toEqual(['completed', 'declined']);
  });

  it('gives its types to a project that checks its own', () => {
    writeFileSync(
      join(project, 'types.ts'),
      `import { createSession } from 'troupe';
      import { scriptedModel } from 'troupe/testing';
      import { sessionMachine } from 'troupe/machines';
      export const made: [typeof createSession, typeof scriptedModel, string] = [createSession, scriptedModel, sessionMachine.id];
      // @ts-expect-error A type that is known is no other one.
      export const wrong: number = createSession;
      `,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
    const roots = ['--typeRoots', join(ROOT, 'node_modules/@types')];
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(run(process.execPath, [compiler, ...options, ...roots, 'types.ts'], project)).toBe('');
  });

  it('runs its command', () => {
    expect(run('npx', ['--no-install', 'troupe', '--help'], project)).toMatch(/troupe/i);
  });

  // It runs commands, reads them by the grammar of bash, and applies a patch by the helper; it checks itself what came of it.
  // What the bundled command does in the demo is tested elsewhere.
  it.skipIf(!isThorough)('lets its command do all that the demo shows', () => {
    expect(run('npx', ['--no-install', 'troupe', 'demo'], project)).toMatch(/All of it went as promised\.\n$/);
  });

  it('lets its command serve the page', async () => {
    const launcher = join(project, 'node_modules/.bin/troupe');
    const served = spawn(launcher, ['inspect'], { cwd: project, env, stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [address] = await once(served.stdout, 'data');
      const first = await fetch(String(address).trim(), { redirect: 'manual' });
      const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
      const paths = ['modules/inspect/page/main.js', 'packages/elkjs/lib/elk-api.js', 'packages/lit-html/lit-html.js'];
      const statuses = await Promise.all(
        paths.map(async (path) => (await fetch(new URL(`/${path}`, first.url), { headers: { cookie } })).status),
      );
      expect(statuses).toEqual([200, 200, 200]);
    } finally {
      served.kill();
      await once(served, 'exit');
    }
  });

  it('comes with the licences of what its command takes along', () => {
    const text = readFileSync(join(project, 'node_modules/troupe/dist/src/cli/THIRD-PARTY-LICENSES.txt'), 'utf8');
    const named = [...text.matchAll(/^(\S+) \d+\.\d+\.\d+ \([\w.-]+\)$/gm)].map(([, name]) => name);
    expect(named).toEqual(expect.arrayContaining(['commander', 'openai', 'rxjs', 'xstate', 'zod']));
    expect(text).toContain('Permission is hereby granted');
  });

  // All of it is below the temporary directory, which a sandbox covers.
  it('applies a patch, by the helper that comes with it', () => {
    writeFileSync(join(project, 'old'), 'old\n');
    writeFileSync(
      join(project, 'patch.js'),
      `import { createSession } from 'troupe';
      import { scriptedModel } from 'troupe/testing';
      const input = '*** Begin Patch\\n*** Update File: old\\n*** Move to: sub/new\\n@@\\n-old\\n+new\\n*** End Patch';
      const model = scriptedModel([{ call: { name: 'apply_patch', arguments: { input } } }, { say: 'Done.' }]);
      const session = createSession({ model, home: ${JSON.stringify(join(place, 'home'))} });
      await session.run('Go').outcome;
      await session.close();
      console.log(model.requests[1].history.find(({ type }) => type === 'output').output);`,
    );
    expect(run(process.execPath, ['patch.js'], project)).toBe('Success. Updated the following files:\nM sub/new\n');
    expect(readFileSync(join(project, 'sub/new'), 'utf8')).toBe('new\n');
    expect(existsSync(join(place, 'home/patches'))).toBe(true);
  });

  it('has the built files, the licence and the command in it, and no source', () => {
    const installed = join(project, 'node_modules/troupe');
    const found = ['bin/troupe', 'dist/src/cli/main.cjs', 'LICENSE', 'src', 'test', 'scripts', '.package-json.orig'];
    expect(found.filter((path) => existsSync(join(installed, path)))).toEqual(found.slice(0, 3));
  });

  it('leaves the clone as it was', () => {
    expect(readFileSync(join(clone, 'package.json'), 'utf8')).toBe(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(existsSync(join(clone, '.package-json.orig'))).toBe(false);
  });
});

/** What git knows or would know of: the work tree as it is, without what is installed or built. */
function copyRepository(to: string): void {
  const listed = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], ROOT);
  for (const path of listed.split('\0')) {
    if (path !== '' && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(to, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'));
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: PACK_MS });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status ?? error}:\n${stdout}\n${stderr}`);
  return stdout;
}

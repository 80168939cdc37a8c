import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishedManifest, publishManifest, restoreManifest } from '../../scripts/build.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

const MANIFEST = `{
    "name": "sample",
    "type": "module",
    "exports": {
        ".": "./src/index.ts",
        "./deep": "./src/deep/index.ts",
        "./package.json": "./package.json"
    },
    "files": ["dist"],
    "scripts": { "test": "vitest" },
    "dependencies": { "xstate": "^5" },
    "devDependencies": { "vitest": "^5" },
    "allowScripts": { "esbuild": true }
}
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'troupe-build-'));
  put('package.json', MANIFEST);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the published manifest', () => {
  it('points at what was built and leaves out what only developers need', () => {
    expect(publishedManifest(JSON.parse(MANIFEST))).toEqual({
      name: 'sample',
      type: 'module',
      exports: {
        '.': { types: './dist/src/index.d.ts', default: './dist/src/index.js' },
        './deep': { types: './dist/src/deep/index.d.ts', default: './dist/src/deep/index.js' },
        './package.json': './package.json',
      },
      files: ['dist'],
      dependencies: { xstate: '^5' },
    });
  });
});

describe('the original manifest', () => {
  it('comes back byte for byte, and restoring again changes nothing', () => {
    publishManifest(root);
    expect(JSON.parse(read('package.json'))).toEqual(publishedManifest(JSON.parse(MANIFEST)));
    for (let time = 0; time < 2; time += 1) {
      restoreManifest(root);
      expect(read('package.json')).toBe(MANIFEST);
      expect(existsSync(join(root, '.package-json.orig'))).toBe(false);
    }
  });

  it('comes back after a run that was cut before it wrote the published one', () => {
    put('.package-json.orig', MANIFEST);
    restoreManifest(root);
    expect(read('package.json')).toBe(MANIFEST);
    expect(existsSync(join(root, '.package-json.orig'))).toBe(false);
  });

  it('never replaces what somebody wrote in between', () => {
    publishManifest(root);
    put('package.json', '{ "name": "changed" }');
    expect(() => restoreManifest(root)).toThrow('keep what is right as package.json, and remove .package-json.orig');
    expect(read('package.json')).toBe('{ "name": "changed" }');
    expect(read('.package-json.orig')).toBe(MANIFEST);
  });
});

describe('scripts/build.ts', () => {
  beforeEach(() => {
    for (const name of ['tsconfig.json', 'tsconfig.build.json']) copyFileSync(join(REPOSITORY, name), join(root, name));
    symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
    mkdirSync(join(root, 'scripts'));
    copyFileSync(join(REPOSITORY, 'scripts/build.ts'), join(root, 'scripts/build.ts'));
    put('machines/one.ts', 'export type One = { n: 1 };\nexport const one: One = { n: 1 };\n');
    put(
      'src/index.ts',
      "export { type One, one } from '../machines/one.ts';\nexport const two = () => import('./two.ts');\n",
    );
    put('src/two.ts', "import { one } from './index.ts';\nexport const text = `from './x.ts'` + one.n;\n");
    put('dist/src/gone.js', '');
  });

  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'scripts/build.ts'), ...args], { cwd: tmpdir(), encoding: 'utf8' });

  it('builds JavaScript that runs and declarations that point at each other, and nothing of a former build', () => {
    expect(run()).toMatchObject({ status: 0, stdout: '' });
    const main = `const { one, two } = await import('./dist/src/index.js'); console.log(one.n, (await two()).text);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', main], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout).toBe("1 from './x.ts'1\n");
    expect(read('dist/src/index.d.ts')).toBe(
      'export { type One, one } from \'../machines/one.js\';\nexport declare const two: () => Promise<typeof import("./two.js")>;\n',
    );
    expect(existsSync(join(root, 'dist/src/gone.js'))).toBe(false);
    expect(read('package.json')).toBe(MANIFEST);
  });

  it('prepares a package, also after a run that was cut, and undoes it', () => {
    expect(run('--for-package').status).toBe(0);
    expect(run('--for-package').status).toBe(0);
    expect(JSON.parse(read('package.json'))).toEqual(publishedManifest(JSON.parse(MANIFEST)));
    expect(run('--restore').status).toBe(0);
    expect(run('--restore').status).toBe(0);
    expect(read('package.json')).toBe(MANIFEST);
  });

  it('fails and leaves the manifest alone when the sources have an error', () => {
    put('src/two.ts', 'export const text: string = 2;\n');
    const { status, stdout } = run('--for-package');
    expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining('src/two.ts') });
    expect(read('package.json')).toBe(MANIFEST);
  });

  it('says what to do when the manifest was changed in between', () => {
    publishManifest(root);
    put('package.json', '{ "type": "module" }');
    expect(run('--restore')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Expected package\.json to be/),
    });
  });
});

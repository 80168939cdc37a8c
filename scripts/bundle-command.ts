// Puts the command line into few files. `troupe` is started often, and for a short time: hundreds of modules, ours and those of
// others, take longer to be found, read and joined than to be run (docs/decisions/0023-a-bundle-for-the-command.md).
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

/** Where the command line is, in the sources and below dist/. */
const COMMAND = join('src', 'cli');

/** What is loaded from where it is installed, because it has files that are not modules. */
const APART = ['@vscode/tree-sitter-wasm'];

const LICENCES = 'THIRD-PARTY-LICENSES.txt';

/**
 * Bundles src/cli of the repository at `root` into src/cli below `dist`, in the place of what the compiler made of it, with
 * the licences of what it takes along. What a command does not need stays in files that are not loaded. Rejects when a
 * module cannot be taken along.
 */
export async function bundleCommand(root: string, dist: string): Promise<void> {
  const directory = join(dist, COMMAND);
  rmSync(directory, { recursive: true, force: true });
  const bundle = await rolldown({
    cwd: root,
    input: { main: join(root, COMMAND, 'main.ts') },
    platform: 'node',
    external: APART,
    plugins: [placesOfSources(root)],
    onLog: (_level, log) => {
      throw new Error(`Expected nothing to be said about the bundle, got: ${log.message}`);
    },
  });
  // As CommonJS: Node loads that in less time, and does not look at all that its own modules have, as for an `import`.
  const { output } = await bundle.write({
    dir: directory,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await bundle.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  writeFileSync(join(directory, LICENCES), licencesOf(modules));
}

/** Lets modules find what lies beside them where the compiler put it: `import.meta` speaks of the compiled module. */
function placesOfSources(root: string): Plugin {
  return {
    name: 'places-of-sources',
    transform(code, id) {
      if (!code.includes('import.meta') || !id.startsWith(`${root}${sep}`) || id.includes(`${sep}node_modules${sep}`))
        return null;
      const compiled = relative(join(root, COMMAND), id).replace(/\.ts$/, '.js');
      const file = `require('node:path').join(__dirname, ${JSON.stringify(compiled)})`;
      const places: Readonly<Record<string, string>> = {
        url: `require('node:url').pathToFileURL(${file}).href`,
        filename: file,
        dirname: `require('node:path').dirname(${file})`,
      };
      return code.replaceAll(/\bimport\.meta\.(\w+)/g, (whole, name: string) => {
        const place = places[name];
        if (place === undefined)
          throw new Error(`Expected url, filename or dirname of import.meta in ${id}, got ${whole}.`);
        return place;
      });
    },
  };
}

/** The licences of the packages that these modules are of, each once. */
function licencesOf(modules: readonly string[]): string {
  const packages = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? []));
  const texts = [...packages].toSorted().map((path) => `${nameOf(path)}\n\n${licenceIn(path)}\n`);
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

function nameOf(path: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})`;
}

function licenceIn(path: string): string {
  const file = readdirSync(path).find((name) => /^licen[cs]e(?:[-.].*)?$/i.test(name));
  if (file !== undefined) return readFileSync(join(path, file), 'utf8').trim();
  throw new Error(`Expected ${path} to hold its licence, got none: a package that is bundled comes with it.`);
}

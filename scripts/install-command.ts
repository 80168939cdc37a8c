import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** Builds what is published and lays it out below `place` as npm does, with the packages of this clone; gives the command. */
export async function installCommand(place: string): Promise<string> {
  const modules = join(place, 'node_modules');
  const root = join(modules, 'troupe');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await cp(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(root, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // Loaded here, because what loads this module does not always install.
  const { build } = await import('./build.ts');
  if (!(await build(ROOT, join(root, 'dist')))) throw new Error('Expected the sources to compile: see above.');
  await symlink('../troupe/bin/troupe', join(modules, '.bin/troupe'));
  return join(modules, '.bin/troupe');
}

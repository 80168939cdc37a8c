import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * Lays the command out below `place` as npm does, with the packages of this clone, and gives what a user starts. It is the
 * bundle that is published, without the library beside it: what is loaded from there, as the helper of patches is, is missing.
 */
export async function installCommand(place: string): Promise<string> {
  const modules = join(place, 'node_modules');
  const root = join(modules, 'troupe');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await cp(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(root, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // Loaded here, because what loads this module does not always install.
  const { bundleCommand } = await import('./bundle-command.ts');
  await bundleCommand(ROOT, join(root, 'dist'));
  await symlink('../troupe/bin/troupe', join(modules, '.bin/troupe'));
  return join(modules, '.bin/troupe');
}

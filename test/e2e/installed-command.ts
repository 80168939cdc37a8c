import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { CHILDREN_VARIABLE } from '../../scripts/coverage-areas.ts';
import { installCommand } from '../../scripts/install-command.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the command that is tested: as it is installed. */
    command: string;
  }
}

/** Installs the command once for all tests that start it. Where branches of the sources are counted, it is the clone's. */
export default async function setup(project: TestProject): Promise<(() => void) | undefined> {
  if (CHILDREN_VARIABLE in process.env) {
    project.provide('command', join(import.meta.dirname, '../../bin/troupe'));
    return undefined;
  }
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-installed-')));
  project.provide('command', await installCommand(place));
  return () => rmSync(place, { recursive: true, force: true });
}

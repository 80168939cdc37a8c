import { chmod, chown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPrograms } from '../../src/here/program-resolver.ts';
import { judgeCommand } from '../../src/policy/judge-command.ts';
import { FACTS } from '../policy/facts.ts';

// Not below /tmp, where no program counts: what is looked at is whether the directory itself is trusted.
let place: string;
const at = (...names: string[]) => join(place, ...names);

beforeAll(async () => {
  place = await realpath(await mkdtemp(join(homedir(), '.troupe-programs-')));
  await chmod(place, 0o755);
  for (const directory of ['bin', 'other', 'open', 'work/bin', 'opened/bin', 'links']) {
    await mkdir(at(directory), { recursive: true });
    await program(at(directory, 'tool'));
  }
  await chmod(at('open'), 0o777);
  await chmod(at('opened'), 0o775);
  await rm(at('links/tool'));
  await symlink(at('work/bin/tool'), at('links/tool'));
  await symlink(at('bin'), at('linked'));
  await symlink(at('work/bin'), at('to-work'));
  await program(at('bin', 'open-tool'), 0o757);
  await writeFile(at('bin', 'data'), 'x', { mode: 0o644 });
  await mkdir(at('bin', 'directory'));
  await symlink(at('nowhere'), at('bin', 'broken'));
});

afterAll(() => rm(place, { recursive: true }));

async function program(path: string, mode = 0o755): Promise<void> {
  await writeFile(path, '#!/bin/sh\n', { mode });
  await chmod(path, mode);
}

const find = (...directories: string[]) => findPrograms({ PATH: directories.join(':') }, at('work'));

describe('a program', () => {
  it('is found in a directory that only the system and we may write to', () => {
    const { path, resolve } = find(at('bin'), at('other'));
    expect([path, resolve('tool'), resolve('missing')]).toEqual([[at('bin'), at('other')], at('bin/tool'), null]);
  });

  it('is found through links, as what it is', () => {
    expect(find(at('linked')).resolve('tool')).toBe(at('bin/tool'));
  });

  it.each([
    ['in the workspace', () => at('work/bin')],
    ['by a link to the workspace', () => at('to-work')],
    ['where anybody may write', () => at('open')],
    ['below a directory where a group may write', () => at('opened/bin')],
    ['in a directory that is not there', () => at('none')],
    ['in the temporary directory', () => '/tmp'],
    ['where the PATH depends on the working directory', () => 'bin'],
  ])('is not looked for %s', (_, directory) => {
    const { path, resolve } = find(directory(), at('other'));
    expect([path, resolve('tool')]).toEqual([[at('other')], at('other/tool')]);
  });

  it('that leads into the workspace, or that others may write, is none, and hides those behind it', () => {
    const programs = find(at('links'), at('bin'));
    expect([programs.resolve('tool'), find(at('bin')).resolve('open-tool')]).toEqual([null, null]);
  });

  it('is none when it is no file, or cannot be run', () => {
    const { resolve } = find(at('bin'));
    expect(['data', 'directory', 'broken'].map(resolve)).toEqual([null, null, null]);
  });

  it.runIf(process.geteuid?.() === 0)('of somebody else is none, nor is one in his directory', async () => {
    await mkdir(at('foreign'));
    await program(at('foreign/tool'));
    await program(at('bin/foreign-tool'));
    await chown(at('foreign'), 1234, 1234);
    await chown(at('bin/foreign-tool'), 1234, 1234);
    expect([find(at('foreign'), at('bin')).path, find(at('bin')).resolve('foreign-tool')]).toEqual([[at('bin')], null]);
  });

  it('in the workspace takes nobody in, though its name is first in the PATH', async () => {
    await program(at('work/bin/git'));
    await program(at('work/bin/ls'));
    const programs = find(at('work/bin'), '/usr/bin', '/bin');
    const asked = { ...FACTS, workspace: at('work'), cwd: at('work'), resolveProgram: programs.resolve };
    const onlyThere = find(at('work/bin'));
    expect([
      programs.path.includes(at('work/bin')),
      judgeCommand('ls', asked).verdict,
      judgeCommand('ls', { ...asked, resolveProgram: (name) => (name === 'ls' ? null : onlyThere.resolve(name)) })
        .verdict,
      judgeCommand('./ls', asked).verdict,
    ]).toEqual([false, 'allow', 'ask', 'ask']);
  });

  it('is looked for where systems have them when the PATH has nothing better', () => {
    const { path, resolve } = findPrograms({}, at('work'));
    expect([path.length > 0, resolve('sh')?.startsWith('/')]).toEqual([true, true]);
  });
});

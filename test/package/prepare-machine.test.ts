import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingNeeds, NEEDS, skipNotice } from '../../scripts/prepare-machine.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/prepare-machine.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-prepare-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function command(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

const run = () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], { env: { PATH: folder }, encoding: 'utf8' });
  return { status, stdout, stderr };
};

describe('missingNeeds', () => {
  const needs = [
    { suite: 'a', command: 'here', debianPackage: 'here' },
    { suite: 'b', command: 'gone', debianPackage: 'gone-tools' },
  ];

  it('looks into each folder of the path, for what can be run', () => {
    command('here', '');
    writeFileSync(join(folder, 'gone'), 'not executable');
    expect(missingNeeds(needs, `/nowhere${delimiter}${folder}`)).toEqual([needs[1]]);
    expect(missingNeeds(needs, '')).toEqual(needs);
  });

  it('is said with the suites that will be skipped', () => {
    expect(skipNotice(needs.slice(1))).toBe(
      'gone is missing: the suites about b will be skipped. Install it (Debian: apt-get install gone-tools) to run them.\n',
    );
    expect(skipNotice([])).toBe('');
  });
});

describe('scripts/prepare-machine.ts', () => {
  it('says nothing when all is there', () => {
    for (const need of NEEDS) command(need.command, '');
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('names what is missing where it cannot install, and does not fail', () => {
    expect(run()).toEqual({ status: 0, stdout: '', stderr: skipNotice(NEEDS) });
  });

  const asRoot = describe.skipIf(process.getuid?.() !== 0); // Others may not install, so nothing is tried.

  asRoot('as root, with apt-get', () => {
    const packages = [...new Set(NEEDS.map(({ debianPackage }) => debianPackage))];
    const said = `Installing what the suites need: ${packages.join(', ')}.\n`;
    const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    const add = `install -y --no-install-recommends ${packages.join(' ')}`;

    it('installs what is missing', () => {
      const made = NEEDS.map(({ command }) => `/bin/cp "$0" "$(/usr/bin/dirname "$0")/${command}"`).join('\n');
      command('apt-get', `echo "$@" >> "${folder}/calls"\n${made}`);
      expect(run()).toEqual({ status: 0, stdout: said, stderr: '' });
      expect(calls()).toEqual([add]);
    });

    it('fetches the lists of packages when they are not known yet', () => {
      command('apt-get', `echo "$@" >> "${folder}/calls"\n[ "$1" = update ]`);
      expect(run()).toEqual({ status: 0, stdout: said, stderr: skipNotice(NEEDS) });
      expect(calls()).toEqual([add, 'update', add]);
    });

    it('goes on when installing fails', () => {
      command('apt-get', 'exit 100');
      expect(run()).toEqual({ status: 0, stdout: said, stderr: skipNotice(NEEDS) });
    });
  });
});

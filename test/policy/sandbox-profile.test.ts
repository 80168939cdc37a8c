import { describe, expect, it } from 'vitest';
import { confinementOf, type Places, sandboxProfile } from '../../src/policy/sandbox-profile.ts';
import type { SandboxMode, TaskContext } from '../../src/protocol/settings.ts';

const PLACES: Places = { userHomes: ['/home/me'], state: '/state' };
const contextIn = (sandbox: SandboxMode): TaskContext => ({
  model: 'a-model',
  cwd: '/work',
  approvalPolicy: 'on-request',
  sandbox,
});
const SETTINGS = {
  network: true,
  writableRoots: ['../cache', '/data'],
  protectedNames: ['Makefile'],
  hidden: ['.env', '/keys'],
};

describe('what confines a command', () => {
  it.each<[SandboxMode, boolean, 'container' | 'sandbox']>([
    ['danger-full-access', false, 'container'],
    ['danger-full-access', true, 'container'],
    ['workspace-write', true, 'container'],
    ['read-only', true, 'container'],
    ['workspace-write', false, 'sandbox'],
    ['read-only', false, 'sandbox'],
  ])('under %s, allowed to leave it: %s, is a %s', (sandbox, escalated, type) => {
    const context = contextIn(sandbox);
    const profile = sandboxProfile(context, {}, PLACES);
    expect(confinementOf(context, {}, PLACES, escalated)).toEqual(type === 'container' ? { type } : { type, profile });
  });
});

describe('a sandbox', () => {
  it('lets a command that may write do so where it works and where the settings say, and nowhere else', () => {
    const { writableRoots, network, visible, state } = sandboxProfile(contextIn('workspace-write'), SETTINGS, PLACES);
    expect({ writableRoots, network, visible, state }).toEqual({
      writableRoots: ['/work', '/cache', '/data'],
      network: true,
      visible: ['/work'],
      state: '/state',
    });
  });

  it('lets one that only reads write nowhere, and reach no network whatever the settings say', () => {
    const { writableRoots, network } = sandboxProfile(contextIn('read-only'), SETTINGS, PLACES);
    expect({ writableRoots, network }).toEqual({ writableRoots: [], network: false });
  });

  it('has no network unless the settings say so', () => {
    expect(sandboxProfile(contextIn('workspace-write'), {}, PLACES).network).toBe(false);
  });

  it('adds what the settings protect and hide to what is protected and hidden anyway', () => {
    const usual = sandboxProfile(contextIn('workspace-write'), {}, PLACES);
    const more = sandboxProfile(contextIn('workspace-write'), SETTINGS, PLACES);
    expect([
      more.protectedNames.slice(usual.protectedNames.length),
      more.reservedNames.slice(usual.reservedNames.length),
      more.hidden.filter((path) => !usual.hidden.includes(path)),
      usual.hidden.filter((path) => !more.hidden.includes(path)),
    ]).toEqual([['Makefile'], ['Makefile'], ['/work/.env', '/keys'], []]);
  });

  it('hides our state and the secrets of each user and of the machine', () => {
    const { hidden } = sandboxProfile(contextIn('read-only'), {}, { userHomes: ['/home/a', '/root'], state: '/state' });
    const expected = ['/home/a/.ssh', '/root/.ssh', '/etc/shadow', '/state'];
    expect(expected.filter((path) => !hidden.includes(path))).toEqual([]);
  });
});

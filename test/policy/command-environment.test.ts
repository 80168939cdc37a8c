import { expect, it } from 'vitest';
import {
  commandEnvironment,
  programDirectories,
  unaskedCommandEnvironment,
} from '../../src/policy/command-environment.ts';

const SETTINGS = { TERM: 'dumb', NO_COLOR: '1', PAGER: 'cat', GIT_PAGER: 'cat', GIT_TERMINAL_PROMPT: '0' };

it('keeps what programs need, and nothing else', () => {
  const needed = {
    ...{ PATH: '/bin', HOME: '/home/me', USER: 'me', LOGNAME: 'me', LANG: 'de_DE.UTF-8', LC_ALL: 'C', LC_TIME: 'C' },
    ...{ TZ: 'UTC', TMPDIR: '/tmp', SHELL: '/bin/bash' },
  };
  const others = {
    ...{ OPENAI_API_KEY: 'secret', LD_PRELOAD: 'x', NODE_OPTIONS: 'x', BASH_ENV: 'x', ENV: 'x', PYTHONSTARTUP: 'x' },
    ...{ GIT_DIR: 'x', GIT_SSH_COMMAND: 'x', SSH_AUTH_SOCK: 'x', CI: '1', PS4: '$(x)', 'BASH_FUNC_ls%%': '() { x; }' },
    ...{
      LC_: 'x',
      LC_all: 'x',
      XLC_ALL: 'x',
      TERM: 'xterm',
      PAGER: 'less',
      TROUPE_CALL: 'x',
      IFS: 'x',
      SHELLOPTS: 'x',
    },
  };
  expect(commandEnvironment({ ...others, ...needed })).toEqual({ ...needed, ...SETTINGS });
});

it('has no names that were not there, but its settings', () => {
  expect(commandEnvironment({})).toEqual(SETTINGS);
});

it.each([
  ['what the system has', '/usr/bin:/bin', ['/usr/bin', '/bin']],
  ['nothing of the workspace', '/work/node_modules/.bin:/work:/usr/bin', ['/usr/bin']],
  ['what only looks like the workspace', '/workshop/bin:/usr/bin', ['/workshop/bin', '/usr/bin']],
  ['nothing where anybody may write', '/tmp/x:/var/tmp:/dev/shm/y:/scratch/z:/usr/bin', ['/usr/bin']],
  ['nothing that depends on the directory', '.::bin:../x:/usr/bin:', ['/usr/bin']],
  ['nothing that leads back to the workspace', '/usr/../work/bin:/usr/bin', ['/usr/bin']],
  ['the usual directories when nothing is left', '.', ['/usr/bin', '/bin']],
])('looks for the programs of a command that nobody is asked about in %s', (_, path, expected) => {
  expect(programDirectories({ PATH: path, TMPDIR: '/scratch' }, '/work')).toEqual(expected);
});

it.each([
  ['finds them there again', ['/usr/bin', '/bin'], '/usr/bin:/bin'],
  ['finds none in the working directory where there are none', [], '/nonexistent'],
])('%s', (_, path, expected) => {
  expect(unaskedCommandEnvironment({ PATH: '/x', SECRET: 'x' }, path)).toEqual({ ...SETTINGS, PATH: expected });
});

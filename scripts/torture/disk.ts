import { spawnSync } from 'node:child_process';
import type { Step } from './step.ts';

const SUITE = 'test/here/log-faults.test.ts';

/** Every operation of a log's disk fails in every way, one at a time: the suite does it at some of them. */
export const disk: Step = {
  name: 'disk',
  async run(say) {
    const { status, stdout, stderr } = spawnSync('npx', ['vitest', 'run', SUITE, '--testTimeout=120000'], {
      env: { ...process.env, TROUPE_TORTURE: '1' },
      encoding: 'utf8',
    });
    const last = stdout.trim().split('\n').at(-1) ?? '';
    if (status !== 0) throw new Error(`Expected ${SUITE} to pass, got: ${stdout}${stderr}`);
    say(last);
  },
};

import { describe, expect, it } from 'vitest';
import { sortArguments } from '../../src/cli/known-options.ts';

const OPTIONS = [
  { names: ['--json'], takesValue: false },
  { names: ['--experimental-json'], takesValue: false },
  { names: ['-m', '--model'], takesValue: true },
  { names: ['--image'], takesValue: true },
];
const sorted = (line: string) => sortArguments(line.split(' '), OPTIONS);

describe('the words of exec', () => {
  it.each([
    ['exec --json -m x Go', 'exec --json -m x Go', ''],
    ['-m x --json exec Go', 'exec -m x --json Go', ''],
    ['exec --json resume ID --image P', 'exec --json resume ID --image P', ''],
    ['exec --json --nope --model x', 'exec --json --model x', '--nope'],
    ['exec --json --program standard --flag=1 -x', 'exec --json', '--program standard --flag=1 -x'],
    ['exec --json --nope resume ID', 'exec --json resume ID', '--nope'],
    ['--nope exec --json -', 'exec --json -', '--nope'],
    ['exec --json -mx --model=y --model', 'exec --json -mx --model=y --model', ''],
    ['exec --json --model --nope', 'exec --json --model --nope', ''],
    ['exec --json -- --nope', 'exec --json -- --nope', ''],
  ])('are put in order: %s', (line, argv, unknown) => {
    expect(sorted(line)).toEqual({
      argv: argv.split(' '),
      isJson: true,
      unknown: unknown === '' ? [] : unknown.split(' '),
    });
  });

  it('are no JSON mode where its name is a value or a prompt', () => {
    expect(sorted('exec -m --json Go')).toMatchObject({ isJson: false });
    expect(sorted('exec -- --json')).toMatchObject({ isJson: false });
  });

  it('are those of exec only', () => {
    expect(sorted('demo --json')).toBe(null);
    expect(sorted('--json')).toBe(null);
  });
});

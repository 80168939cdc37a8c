import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { differences, machinesIn, picturesOf, writePictures } from '../../scripts/visualize.ts';
import { lifecycleSample, regionsSample } from './samples.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'troupe-pictures-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('machinesIn', () => {
  it('takes the machines among the exports, each once, and nothing else', () => {
    const exports = {
      lifecycleSample,
      regionsSample,
      again: lifecycleSample,
      lifecycle: () => lifecycleSample,
      no: null,
    };
    expect(machinesIn(exports).map(({ id }) => id)).toEqual(['sample-session', 'sample-task']);
  });
});

describe('picturesOf', () => {
  it('makes a chart and a config of each machine', () => {
    const pictures = picturesOf([lifecycleSample, regionsSample]);
    expect([...pictures.keys()]).toEqual([
      'sample-task.mmd',
      'sample-task.json',
      'sample-session.mmd',
      'sample-session.json',
    ]);
    expect(pictures.get('sample-task.mmd')).toContain('stateDiagram-v2');
    expect(JSON.parse(pictures.get('sample-session.json') ?? '')).toMatchObject({ id: 'sample-session' });
  });

  it('refuses two machines with one id', () => {
    const other = createMachine({ id: 'sample-task' });
    expect(() => picturesOf([lifecycleSample, other])).toThrow('got "sample-task" twice');
  });
});

describe('the directory of pictures', () => {
  const pictures = picturesOf([lifecycleSample]);

  it('is written so that nothing differs, and left alone the second time', () => {
    expect(writePictures(pictures, join(directory, 'new'))).toEqual([
      { name: 'sample-task.mmd', what: 'missing' },
      { name: 'sample-task.json', what: 'missing' },
    ]);
    expect(differences(pictures, join(directory, 'new'))).toEqual([]);
    expect(writePictures(pictures, join(directory, 'new'))).toEqual([]);
  });

  it('differs where a file is missing, out of date, or made by no machine', () => {
    writePictures(pictures, directory);
    rmSync(join(directory, 'sample-task.json'));
    writeFileSync(join(directory, 'sample-task.mmd'), 'stateDiagram-v2\n');
    writeFileSync(join(directory, 'gone.mmd'), '');
    writeFileSync(join(directory, 'inspector.html'), '');
    const expected = [
      { name: 'sample-task.mmd', what: 'out of date' },
      { name: 'sample-task.json', what: 'missing' },
      { name: 'gone.mmd', what: 'made by no machine' },
    ];
    expect(differences(pictures, directory)).toEqual(expected);
    expect(writePictures(pictures, directory)).toEqual(expected);
    expect(readdirSync(directory).sort()).toEqual(['inspector.html', 'sample-task.json', 'sample-task.mmd']);
    expect(readFileSync(join(directory, 'sample-task.mmd'), 'utf8')).toBe(pictures.get('sample-task.mmd'));
  });
});

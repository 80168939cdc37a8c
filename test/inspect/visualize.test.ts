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
  it('makes a picture, a diagram and a config of each machine, and an index', async () => {
    const pictures = await picturesOf([lifecycleSample, regionsSample]);
    expect([...pictures.keys()]).toEqual([
      'sample-task.svg',
      'sample-task.mmd',
      'sample-task.json',
      'sample-session.svg',
      'sample-session.mmd',
      'sample-session.json',
      'README.md',
    ]);
    expect(pictures.get('sample-task.svg')).toContain('<svg xmlns="http://www.w3.org/2000/svg"');
    expect(pictures.get('sample-task.mmd')).toContain('stateDiagram-v2');
    expect(JSON.parse(pictures.get('sample-session.json') ?? '')).toMatchObject({ id: 'sample-session' });
    expect(pictures.get('README.md')).toContain(
      '- [sample-task](sample-task.svg): Runs once, and {stops} within a bound. · [Mermaid](sample-task.mmd) · [JSON](sample-task.json)\n',
    );
  });

  it('makes one picture of a kind, with its lifecycle and its work', async () => {
    const work = createMachine({ id: 'sample-task-work', description: 'What it does.' });
    const pictures = await picturesOf([lifecycleSample, work]);
    const kind = pictures.get('kind-sample-task.svg') ?? '';
    expect(kind).toContain('<title id="title">A task of the kind sample-task: its lifecycle, and its work</title>');
    expect(kind).toContain('Runs once, and {stops} within a bound.');
    expect(kind).toContain('What it does.');
    expect(pictures.get('README.md')).toContain(
      '- [kind-sample-task](kind-sample-task.svg): Runs once, and {stops} within a bound.\n',
    );
  });

  it('refuses two machines with one id', async () => {
    const other = createMachine({ id: 'sample-task' });
    await expect(picturesOf([lifecycleSample, other])).rejects.toThrow('got "sample-task" twice');
  });

  it('refuses a machine in which an implementation hides', async () => {
    const hiding = createMachine({ id: 'sample-task', entry: () => {} });
    await expect(picturesOf([hiding])).rejects.toThrow(
      'The action in state "sample-task" on entry is an inline function.',
    );
  });
});

describe('the directory of pictures', async () => {
  const pictures = await picturesOf([lifecycleSample]);

  it('is written so that nothing differs, and left alone the second time', () => {
    expect(writePictures(pictures, join(directory, 'new'))).toEqual([
      { name: 'sample-task.svg', what: 'missing' },
      { name: 'sample-task.mmd', what: 'missing' },
      { name: 'sample-task.json', what: 'missing' },
      { name: 'README.md', what: 'missing' },
    ]);
    expect(differences(pictures, join(directory, 'new'))).toEqual([]);
    expect(writePictures(pictures, join(directory, 'new'))).toEqual([]);
  });

  it('differs where a file is missing, out of date, or made by no machine', () => {
    writePictures(pictures, directory);
    rmSync(join(directory, 'sample-task.json'));
    writeFileSync(join(directory, 'sample-task.mmd'), 'stateDiagram-v2\n');
    writeFileSync(join(directory, 'gone.svg'), '');
    writeFileSync(join(directory, 'inspector.html'), '');
    const expected = [
      { name: 'sample-task.mmd', what: 'out of date' },
      { name: 'sample-task.json', what: 'missing' },
      { name: 'gone.svg', what: 'made by no machine' },
    ];
    expect(differences(pictures, directory)).toEqual(expected);
    expect(writePictures(pictures, directory)).toEqual(expected);
    const left = ['README.md', 'inspector.html', 'sample-task.json', 'sample-task.mmd', 'sample-task.svg'];
    expect(readdirSync(directory).sort()).toEqual(left);
    expect(readFileSync(join(directory, 'sample-task.mmd'), 'utf8')).toBe(pictures.get('sample-task.mmd'));
  });
});

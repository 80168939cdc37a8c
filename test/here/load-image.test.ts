import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { IMAGE_BYTES_MAX, loadImage } from '../../src/here/load-image.ts';

const directory = mkdtempSync(join(tmpdir(), 'load-image-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(name: string, bytes: string): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.from(bytes, 'latin1'));
  return path;
}

const urlOf = (type: string, bytes: string) => `data:${type};base64,${Buffer.from(bytes, 'latin1').toString('base64')}`;

test.each([
  { type: 'image/png', bytes: '\x89PNG\r\n\x1a\nrest' },
  { type: 'image/jpeg', bytes: '\xff\xd8\xff\xe0rest' },
  { type: 'image/gif', bytes: 'GIF89arest' },
  { type: 'image/webp', bytes: 'RIFF\x10\0\0\0WEBPrest' },
])('gives $type as a data URL, whatever its name', async ({ type, bytes }) => {
  expect(await loadImage(fileOf('image.txt', bytes))).toBe(urlOf(type, bytes));
});

test('refuses what is no image, also when it is called one', async () => {
  await expect(loadImage(fileOf('secret.png', 'password'))).rejects.toThrow('Expected a PNG, JPEG, GIF or WebP image');
  await expect(loadImage(fileOf('empty.png', ''))).rejects.toThrow('Expected a PNG, JPEG, GIF or WebP image');
});

test('refuses what is no file, and does not wait for a pipe', async () => {
  await expect(loadImage(directory)).rejects.toThrow(/Expected a file|EISDIR/);
  await expect(loadImage(join(directory, 'gone.png'))).rejects.toThrow('ENOENT');
  execFileSync('mkfifo', [join(directory, 'pipe.png')]);
  await expect(loadImage(join(directory, 'pipe.png'))).rejects.toThrow('Expected a file');
});

test('refuses an image that is too large to send', async () => {
  const path = fileOf('large.png', '\x89PNG\r\n\x1a\n');
  truncateSync(path, IMAGE_BYTES_MAX + 1);
  await expect(loadImage(path)).rejects.toThrow(`at most ${IMAGE_BYTES_MAX} bytes, got ${IMAGE_BYTES_MAX + 1}`);
});

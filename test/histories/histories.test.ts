import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HISTORIES, stateHash } from '../../scripts/record-histories.ts';
import { type Model, resumeSession } from '../../src/index.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { verifyLog } from '../../src/rollout/verify/verify.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

const versions = readdirSync(HISTORIES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const logs = versions.flatMap((version) => {
  const directory = join(HISTORIES, version);
  const hashes: Record<string, string> = JSON.parse(readFileSync(join(directory, 'hashes.json'), 'utf8'));
  return Object.entries(hashes).map(([name, hash]) => ({
    version,
    name,
    hash,
    file: join(directory, `${name}.jsonl`),
  }));
});

it('has histories of each release, and the hash of each of them', () => {
  expect(versions).toContain('0.1.0');
  const files = versions.flatMap((version) =>
    readdirSync(join(HISTORIES, version)).filter((name) => name.endsWith('.jsonl')),
  );
  expect(files.length).toBe(logs.length);
});

describe.each(logs)('$name, as $version has written it', ({ hash, file }) => {
  it('is read as it was then', async () => {
    expect(await stateHash(readFileSync(file))).toBe(hash);
  });

  it('is a legal trace of the charts of today', async () => {
    expect(await verifyLog([readFileSync(file)])).toMatchObject({ verdict: 'legal' });
  });

  it('goes on, if it is not of a sub-session', async () => {
    const home = mkdtempSync(join(tmpdir(), 'troupe-histories-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const { sessionId, openedAt, isRoot } = await beginningOf(file);
    const directory = join(home, 'sessions', ...openedAt.slice(0, 10).split('-'));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    cpSync(file, join(directory, `${sessionId}.jsonl`));
    const model: Model = scriptedModel([{ say: 'Still here.' }]);
    const going = resumeSession(sessionId, { model, home, cwd: home, checkpoints: 'off', projectInstructions: false });
    if (!isRoot) {
      await expect(going).rejects.toThrow('is a sub-session of');
      return;
    }
    const session = await going;
    expect(await session.run('Are you there?').outcome).toMatchObject({ status: 'completed', answer: 'Still here.' });
    await session.close();
    expect(await verifyLog([readFileSync(join(directory, `${sessionId}.jsonl`))])).toMatchObject({ verdict: 'legal' });
  });
});

async function beginningOf(file: string): Promise<{ sessionId: string; openedAt: string; isRoot: boolean }> {
  for await (const { time, payload } of recover([readFileSync(file)], newRecovery())) {
    const { sessionPath = [] } = payload as { sessionPath?: readonly { sessionId: string }[] }; // As the gate wrote it.
    return { sessionId: sessionPath.at(-1)?.sessionId ?? '', openedAt: time, isRoot: sessionPath.length === 1 };
  }
  throw new Error(`Expected ${basename(file)} to hold a record.`);
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import { decodeRecord, splitLines } from '../../src/rollout/record.ts';
import { type Script, watchRun } from '../../src/testing/index.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

/** What is seen of a real run from outside: its events, each after a look at the process table, then its log. */
type Seen = Readonly<{
  seen: readonly ((run: ReturnType<typeof watchRun>) => void)[];
  pids: number;
  outputs: string[];
}>;

/** The living processes of commands below one: no zombies, and not what Troupe itself starts, its git and its Node. */
function below(root: number): ReadonlySet<number> {
  const parents = new Map<number, number>();
  const own = new Set<number>();
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state !== 'Z') parents.set(Number(name), Number(parent));
      if (OWN.has(stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')))) own.add(Number(name));
    } catch {
      // It has gone meanwhile.
    }
  }
  const found = new Set([root]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  found.delete(root);
  return found.difference(own);
}

const OWN = new Set(['git', 'node', 'MainThread']);

async function watchExec(script: Script): Promise<Seen> {
  const [cwd, home] = [temporaryDirectory(), temporaryDirectory()];
  const server = await startScriptedServer(script);
  const args = ['exec', '--events', '--sandbox', 'danger-full-access', '-C', cwd, 'Go'];
  const exec = runTroupe(args, { env: { ...server.env, TROUPE_HOME: home } });
  const seen: ((run: ReturnType<typeof watchRun>) => void)[] = [];
  let alive: ReadonlySet<number> = new Set();
  const pids = new Set<number>();
  const outputs: string[] = [];
  const { stdout, pid = 0 } = exec.child;
  if (stdout === null) throw new Error('Expected the events on standard output, got none.');
  const lines = createInterface({ input: stdout });
  lines.on('line', (line) => {
    const now = below(pid);
    const [before, event] = [alive, JSON.parse(line) as SessionEvent]; // One event a line.
    alive = now;
    for (const one of before) if (!now.has(one)) seen.push((run) => run.process({ pid: one, change: 'ended' }));
    for (const one of now) {
      pids.add(one);
      if (!before.has(one)) seen.push((run) => run.process({ pid: one, change: 'started' }));
    }
    if (event.type === 'item.completed' && event.item.type === 'command_execution') outputs.push(event.item.output);
    // Its command waits for this.
    if (pids.size > 0) writeFileSync(join(cwd, 'seen'), '');
    seen.push((run) => run.event(event));
  });
  const { code, stderr } = await exec.ended;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const sessions = join(home, 'sessions');
  for (const name of readdirSync(sessions, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.jsonl')) continue;
    const records = splitLines(readFileSync(join(sessions, name))).lines.map((line) => decodeRecord(line));
    const id = records.flatMap((one) => (one.ok ? [(one.record.payload as Opened).sessionPath] : []))[0]?.at(-1); // As the gate wrote it.
    for (const one of records) if (one.ok) seen.push((run) => run.record(id?.sessionId ?? name, one.record));
  }
  return { seen, pids: pids.size, outputs };
}

type Opened = Readonly<{ sessionPath?: readonly Readonly<{ sessionId: string }>[] }>;

it('holds all that always holds in a real run, seen from outside, and sees it where a process or a record is missing', async () => {
  const { seen, pids, outputs } = await watchExec([
    { call: { name: 'shell', arguments: { command: 'echo one; until [ -e seen ]; do sleep 0.05; done; echo two' } } },
    { say: 'Done.' },
  ]);
  const run = watchRun();
  for (const show of seen) show(run);
  expect(run.end()).toEqual([]);
  expect(pids).toBeGreaterThan(0);
  expect(outputs).toEqual(['one\ntwo\n']);

  const wrong = watchRun();
  wrong.process({ pid: 1, change: 'started' });
  // The last record is that of the close, and before it stands the end of the task.
  for (const show of seen.slice(0, -2)) show(wrong);
  expect(wrong.end().map(({ id }) => id)).toEqual(expect.arrayContaining(['A10', 'F61', 'H72']));
});

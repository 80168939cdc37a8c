// Records what sessions of this release write, for all later ones to read: npm run histories -- VERSION writes
// test/histories/VERSION/*.jsonl and the hash of what a replay makes of each. A version that is there is never written again.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  createSession,
  forkSession,
  type ModelRequest,
  resumeSession,
  type Session,
  type SessionOptions,
} from '../src/index.ts';
import { newRecovery, recover } from '../src/rollout/recover.ts';
import { emptyState, replay } from '../src/rollout/replay.ts';
import { type Script, type ScriptEntry, scriptedModel } from '../src/testing/index.ts';

export const HISTORIES = join(import.meta.dirname, '../test/histories');

/**
 * The hash of all that a replay makes of a log (SHA-256, hex). The order of members does not count, nor does what was not there in
 * the first release and says nothing of the session itself: where a resume looks for logs that are still open.
 */
export async function stateHash(bytes: Uint8Array): Promise<string> {
  const whole = emptyState();
  for await (const record of recover([bytes], newRecovery())) replay(whole, record);
  const { ending: _ending, ...state } = whole;
  return createHash('sha256')
    .update(JSON.stringify(plain(state)))
    .digest('hex');
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, plain(one)]));
}

/** What is recorded: a session, and what is done to it. */
type Scene = Readonly<{
  script: Script;
  options?: Partial<SessionOptions>;
  play(session: Session, place: Place): Promise<void>;
}>;
type Place = Readonly<{ home: string; work: string; options: SessionOptions }>;

const shell = (command: string, more: object = {}) => ({ name: 'shell', arguments: { command, ...more } });
const escalated = { with_escalated_permissions: true, justification: 'It needs more.' };
const PATCH = '*** Begin Patch\n*** Add File: poem.txt\n+roses are red\n*** End Patch';
const FINDINGS = JSON.stringify({
  findings: [],
  overall_correctness: 'patch is correct',
  overall_explanation: 'Nothing is wrong with it.',
  overall_confidence_score: 0.9,
});
const lane = ({ history }: ModelRequest): string =>
  JSON.stringify(history[0] ?? '').includes('Count') ? 'agent' : 'root';

const SCENES: Readonly<Record<string, Scene>> = {
  'a-conversation': {
    script: [
      {
        reason: 'Hm.',
        say: ['I will ', 'look.'],
        call: [
          shell('echo hello'),
          { name: 'update_plan', arguments: { plan: [{ step: 'look', status: 'completed' }] } },
        ],
      },
      { say: 'There is a greeting.' },
      { say: 'Gladly.' },
    ],
    async play(session) {
      await session.run('What is here?').outcome;
      await session.run([{ type: 'text', text: 'Thank you — 谢谢.' }]).outcome;
    },
  },
  'requests-answered': {
    script: [{ call: [shell('true', escalated), shell('false', escalated)] }, { say: 'One of them ran.' }],
    options: {
      onRequest: ({ subject }) =>
        subject.kind === 'command' && subject.shown === 'true'
          ? 'approved'
          : { decision: 'denied', message: 'Not that.' },
    },
    async play(session) {
      await session.run('Try both.').outcome;
    },
  },
  'a-patch-and-its-undo': {
    script: [{ call: [{ name: 'apply_patch', arguments: { input: PATCH } }] }, { say: 'Written.' }],
    options: { checkpoints: 'auto' },
    async play(session) {
      await session.run('Write a poem.').outcome;
      await session.undo().outcome;
    },
  },
  'a-review-that-asks': {
    script: [{ say: 'I look.', call: [shell('true', escalated)] }, { say: FINDINGS }],
    options: { onRequest: () => 'approved' },
    async play(session) {
      await session.review({ type: 'custom', instructions: 'Is anything wrong?' }).outcome;
    },
  },
  compacted: {
    script: [{ say: 'The sea is blue.' }, { say: 'They spoke of the sea.' }, { say: 'As I said: blue.' }],
    async play(session) {
      await session.run('Of what colour is the sea?').outcome;
      await session.compact().outcome;
      await session.run('Say it again.').outcome;
    },
  },
  'agents-joined': {
    script: {
      pick: lane,
      lanes: {
        root: [
          { call: [{ name: 'spawn_agent', arguments: { message: 'Count the files.', agent_type: 'explorer' } }] },
          { call: [{ name: 'wait_agent', arguments: {} }] },
          { say: 'There are none.' },
        ],
        agent: [{ say: 'I counted: none.' }],
      },
    },
    async play(session) {
      await session.run('How many files?').outcome;
    },
  },
  'interrupted-with-partial-output': {
    script: [{ say: ['Once upon ', 'a time'], hang: true }],
    async play(session) {
      const task = session.run('Tell me a story.');
      await told(session, 'item.delta');
      await task.abort();
    },
  },
  'steered-and-queued': {
    script: [{ call: [shell('echo tea')] }, { say: 'Tea, and with milk.' }, { say: 'And biscuits.' }],
    async play(session) {
      const task = session.run('Make tea.');
      await told(session, 'step.started');
      session.steer('With milk.');
      const next = session.run('And biscuits.', { whenBusy: 'queue' });
      await Promise.all([task.outcome, next.outcome]);
    },
  },
  'failed-and-shell': {
    script: [{ fail: { code: 'model-error', message: 'The model is away.', retryable: false } } as ScriptEntry],
    async play(session) {
      await session.run('Hello?').outcome;
      await session.shell('echo mine').outcome;
    },
  },
  'crashed-and-resumed': {
    script: [{ call: [shell('sleep 600', { timeout_ms: 600_000 })] }],
    async play(session, { options, home, work }) {
      session.run('Wait.');
      await told(session, 'step.completed');
      // Until what was told is on the disk.
      await new Promise((resolve) => setTimeout(resolve, 500));
      // What a kill would have left: the log as it is, in a home of its own, and goes on there.
      const left = mkdtempSync(join(tmpdir(), 'troupe-left-'));
      cpSync(home, left, { recursive: true, filter: (path) => !path.endsWith('.lock') });
      await session.interrupt();
      const model = scriptedModel([{ say: 'It had not ended.' }]);
      const resumed = await resumeSession(session.id, { ...options, model, home: left, cwd: work });
      await resumed.run('What became of it?').outcome;
      await resumed.close();
      cpSync(logOf(left, session.id), join(home, 'resumed.jsonl'));
      rmSync(left, { recursive: true });
    },
  },
  forked: {
    script: [{ say: 'One.' }, { say: 'Two.' }],
    async play(session, { options }) {
      await session.run('First.').outcome;
      await session.run('Second.').outcome;
      const model = scriptedModel([{ say: 'Another two.' }]);
      const fork = await forkSession(session.id, { before: 1 }, { ...options, model });
      await fork.run('Second, otherwise.').outcome;
      await fork.close();
    },
  },
};

function told(session: Session, type: string): Promise<void> {
  return new Promise((resolve) => {
    const following = session.events$.subscribe((event) => {
      if (event.type !== type) return;
      following.unsubscribe();
      resolve();
    });
  });
}

function logOf(home: string, sessionId: string): string {
  const names = readdirSync(join(home, 'sessions'), { recursive: true, encoding: 'utf8' });
  return join(home, 'sessions', names.find((name) => name.endsWith(`${sessionId}.jsonl`)) ?? '');
}

async function record(name: string, { script, options = {}, play }: Scene, directory: string): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'troupe-histories-'));
  const place = { home: join(base, 'home'), work: join(base, 'work') };
  mkdirSync(place.work);
  const settings: SessionOptions = {
    model: scriptedModel(script),
    home: place.home,
    cwd: place.work,
    checkpoints: 'off',
    projectInstructions: false,
    ...options,
  };
  const session = createSession(settings);
  await play(session, { ...place, options: settings });
  await session.close();
  const names = readdirSync(place.home, { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.jsonl'));
  for (const [index, one] of names.toSorted().entries())
    cpSync(join(place.home, one), join(directory, `${name}-${index + 1}.jsonl`));
  rmSync(base, { recursive: true });
}

if (import.meta.main) {
  const [version] = process.argv.slice(2);
  const directory = join(HISTORIES, version ?? '');
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version) || existsSync(directory)) {
    console.error(`Expected a version that has no histories yet, such as 1.2.3, got ${version ?? 'none'}.`);
    process.exit(1);
  }
  mkdirSync(directory, { recursive: true });
  for (const [name, scene] of Object.entries(SCENES)) await record(name, scene, directory);
  const hashes: Record<string, string> = {};
  for (const file of readdirSync(directory).toSorted())
    hashes[basename(file, '.jsonl')] = await stateHash(readFileSync(join(directory, file)));
  writeFileSync(join(directory, 'hashes.json'), `${JSON.stringify(hashes, null, 2)}\n`);
  console.log(`${Object.keys(hashes).length} logs in test/histories/${version}`);
  process.exit(0);
}

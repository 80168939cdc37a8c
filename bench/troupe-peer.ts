import * as z from 'zod';
import {
  createSession,
  type Decision,
  defineTool,
  type Model,
  openaiModel,
  type Session,
  type Tool,
} from '../src/index.ts';
import { levelMessage } from './answers.ts';
import { type Conversation, type Peer, USER_TEXT } from './peer.ts';

const noop = defineTool({ name: 'noop', description: 'Does nothing.', input: z.object({}), execute: () => '' });

/** Nothing is written, and no instructions are looked for. */
const BARE = { rollout: 'off', projectInstructions: false } as const;

type OnRequest = () => Decision;

/** Has to be approved. */
const asking: Tool = defineTool({
  name: 'noop',
  description: 'Does nothing.',
  input: z.object({}),
  check: () => ({
    verdict: 'ask',
    key: 'noop',
    subject: { kind: 'question', questions: [{ id: 'go-on', question: 'Shall I go on?' }] },
  }),
  execute: () => '',
});

/** Ours: a session for each conversation, one model for all of them; no files are read or written, as in the baseline. */
export function troupePeer(baseURL: string): Peer {
  const models = new Map<string, Model>();
  const modelOf = (name: string) => {
    const model = models.get(name) ?? openaiModel({ model: name, apiKey: 'none', baseURL });
    models.set(name, model);
    return model;
  };
  return {
    open: (model) => openConversation(modelOf(model)),
    async nest(levels, way) {
      let asked = 0;
      const onRequest = () => {
        asked += 1;
        return 'approved' as const;
      };
      if (way === 'sub-sessions') await runSubSessions(modelOf('spawn'), levels, onRequest);
      else await runSessionsAsTools(modelOf('nest'), levels, onRequest);
      return asked;
    },
  };
}

/** The model of each session starts an agent, and waits for it. */
async function runSubSessions(model: Model, levels: number, onRequest: OnRequest): Promise<void> {
  const session = createSession({ ...BARE, model, tools: [asking], onRequest });
  await session.run(levelMessage(levels)).orThrow();
  await session.close();
}

/** Each session is a tool of the next one; the root, which is opened last, is asked. */
async function runSessionsAsTools(model: Model, levels: number, onRequest: OnRequest): Promise<void> {
  const below: Session[] = [];
  let tool = asking;
  for (let level = 0; level < levels; level += 1) {
    const session = createSession({ ...BARE, model, tools: [tool] });
    below.push(session);
    tool = session.asTool({ name: 'agent', description: 'An agent with a conversation of its own.' });
  }
  const root = createSession({ ...BARE, model, tools: [tool], onRequest });
  await root.run(levelMessage(levels)).orThrow();
  await root.close();
  for (const session of below) await session.close();
}

function openConversation(model: Model): Conversation {
  const session = createSession({ ...BARE, model, tools: [noop] });
  const conversation: Held = Object.create(METHODS);
  conversation.session = session;
  return conversation;
}

type Held = Conversation & { session: Session };

/** All conversations share these: what is measured of an idle one is its session, and nothing beside it. */
const METHODS: Conversation & ThisType<Held> = {
  async turn() {
    await this.session.run(USER_TEXT).orThrow();
  },
  begin() {
    const task = this.session.run(USER_TEXT);
    const aborted = task.outcome.then((outcome) => {
      if (outcome.status !== 'aborted') throw new Error(`Expected the turn to be aborted, got one ${outcome.status}.`);
    });
    return { abort: () => void task.abort(), aborted };
  },
  follow(onDelta) {
    this.session.events$.subscribe((event) => {
      if (event.type === 'item.delta') onDelta(event.delta);
    });
  },
  close() {
    return this.session.close();
  },
};

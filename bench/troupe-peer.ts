import { z } from 'zod';
import { createSession, defineTool, type Model, openaiModel } from '../src/index.ts';
import { type Conversation, type Peer, USER_TEXT } from './peer.ts';

const noop = defineTool({ name: 'noop', description: 'Does nothing.', input: z.object({}), execute: () => '' });

/** Ours: a session for each conversation, one model for all of them; no files are read or written, as in the baseline. */
export function troupePeer(baseURL: string): Peer {
  const models = new Map<string, Model>();
  const modelOf = (name: string) => {
    const model = models.get(name) ?? openaiModel({ model: name, apiKey: 'none', baseURL });
    models.set(name, model);
    return model;
  };
  return { open: (model) => openConversation(modelOf(model)) };
}

function openConversation(model: Model): Conversation {
  const session = createSession({ model, tools: [noop], rollout: 'off', projectInstructions: false });
  return {
    async turn() {
      await session.run(USER_TEXT).orThrow();
    },
    begin() {
      const task = session.run(USER_TEXT);
      const aborted = task.outcome.then((outcome) => {
        if (outcome.status !== 'aborted')
          throw new Error(`Expected the turn to be aborted, got one ${outcome.status}.`);
      });
      return { abort: () => void task.abort(), aborted };
    },
    follow(onDelta) {
      session.events$.subscribe((event) => {
        if (event.type === 'item.delta') onDelta(event.delta);
      });
    },
    close: () => session.close(),
  };
}

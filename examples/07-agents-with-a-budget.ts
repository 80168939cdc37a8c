// A model starts agents, which work beside it. A kind of agent of your own has tools, and a budget out of yours.
import { createSession, openaiModel } from 'troupe';

await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  agents: { roles: { counter: { description: 'counts things', tools: ['update_plan'], budget: { tokens: 150 } } } },
  budget: { tokens: 100_000, spawns: 10 },
  limits: { agentsMax: 4, depthMax: 2 },
});
session.events$.subscribe((event) => {
  if (event.type === 'task.started' && event.kind === 'agent') console.log('an agent has started');
  if (event.type === 'task.failed' && event.kind === 'agent')
    console.log(`an agent was stopped: ${event.error.message}`);
});
const { answer } = await session.run('Have two counters count.').orThrow();
console.log(answer);
console.log(`${session.usage.totalTokens} tokens, those of the agents with it`);

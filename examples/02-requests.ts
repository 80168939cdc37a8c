// What a session asks, wherever in the tree, is answered at the root.
import { createSession, openaiModel, pathText } from 'troupe';

await using session = createSession({ model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }) });
session.requests$.subscribe((request) => {
  if (request.subject.kind !== 'command') return;
  const decision = request.subject.shown.startsWith('rm ') ? 'denied' : 'approved';
  console.log(`${pathText(request.path)} wants to run "${request.subject.shown}": ${decision}`);
  session.answer(request.id, decision);
});
const { answer } = await session.run('Clean up the build.').orThrow();
console.log(answer);

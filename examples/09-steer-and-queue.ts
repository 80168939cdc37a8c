// What you say while a task runs reaches it at its next step; another task waits for its turn, or takes its place.
import { createSession, openaiModel } from 'troupe';

await using session = createSession({ model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }) });
const task = session.run('Write a plan for a cake.');
const next = session.run('Now for tea.', { whenBusy: 'queue' });
console.log(`steer: ${session.steer('With cherries.').disposition}, second task: ${next.disposition.disposition}`);
console.log((await task.orThrow()).answer);
console.log((await next.orThrow()).answer);

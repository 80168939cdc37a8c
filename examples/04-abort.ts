// An abort is an outcome, and its receipt says what it did.
import { createSession, openaiModel } from 'troupe';

await using session = createSession({ model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }) });
const task = session.run('Think for a long time.');
for await (const event of task) {
  if (event.type === 'item.delta') void task.abort();
}
const outcome = await task.outcome;
if (outcome.status === 'aborted') {
  const { phases, partial } = outcome.receipt;
  console.log(`stopped in ${phases.reduce((sum, { ms }) => sum + ms, 0)} ms, kept: ${partial.text}`);
}

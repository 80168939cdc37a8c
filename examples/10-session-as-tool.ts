// A session as a tool: of another session, or of any loop that calls tools. The call always gets an answer.
import { createSession, openaiModel } from 'troupe';

const model = openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' });
await using librarian = createSession({ model, instructions: 'You are a librarian. Answer with a title.' });
const tool = librarian.asTool({ name: 'librarian', description: 'Knows books.', timeoutMs: 60_000 });

await using session = createSession({ model, tools: [tool] });
console.log((await session.run('Which book has a whale in it?').orThrow()).answer);

const { status, text } = await tool.call({ message: 'And one with a raven?' });
console.log(`${status}: ${text}`);

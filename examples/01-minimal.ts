// The least that does something. OPENAI_API_KEY, and OPENAI_BASE_URL for a server of your own.
import { createSession, openaiModel } from 'troupe';

await using session = createSession({ model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }) });
const { answer } = await session.run('Say hello.').orThrow();
console.log(answer);

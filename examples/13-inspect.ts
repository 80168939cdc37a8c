// The tree as it runs, on a page of this machine: open the address that is printed while it works.
import { createSession, openaiModel } from 'troupe';
import { pageInspector } from 'troupe/inspect';

const page = pageInspector({ title: 'example 13', announce: (url) => console.log(`The page: ${url}`) });
await page.served;
await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  inspect: page,
});
const { answer } = await session.run('What is there to be seen?').orThrow();
console.log(answer);
// Stately's inspector instead: createSession({ inspect: await statelyInspector({ url: 'ws://localhost:8080' }) })

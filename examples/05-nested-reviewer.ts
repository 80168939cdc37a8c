// A reviewer is a session below yours. What it wants to run is asked at the root, with its whole path.
import { createSession, openaiModel, pathText } from 'troupe';

await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  onRequest(request) {
    const what = request.subject.kind === 'command' ? request.subject.shown : request.subject.kind;
    console.log(`${pathText(request.path)} asks: ${what}`);
    return { decision: 'denied', message: 'Read the code instead.' };
  },
});
const review = session.review({ type: 'custom', instructions: 'Is anything wrong with examples/01-minimal.ts?' });
const outcome = await review.orThrow();
for (const { title, file, lines } of outcome.findings) console.log(`${file}:${lines.start} ${title}`);
console.log(outcome.explanation);

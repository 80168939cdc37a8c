import type { Script } from '../../src/testing/index.ts';

/** How many commands the model asks for before it is done. */
export const CALLS = 5;

/** How `troupe exec` is started so that the commands run, and nobody is asked. */
export const EXEC_OPTIONS = ['-s', 'danger-full-access', '-a', 'never'] as const;

/** A command for each request, each with another effect; to who goes on, a word. It knows from the request how far it is. */
export const SCRIPT: Script = Array.from({ length: 20_000 }, () => ({ history }) => {
  const at = history.filter(({ type }) => type === 'output').length;
  const isOver = at >= CALLS || JSON.stringify(history).includes('Go on.');
  if (isOver) return { say: 'Done.' };
  const command = `echo effect-${at} >> effects; sleep 0.0${at % 4}`;
  return { say: `Step ${at}.`, call: { name: 'shell', callId: `call_${at}`, arguments: { command } } };
});

// What the scripted model says in each example, where there is no real one. It is no language model: it plays these lines.
import type { ModelRequest } from 'troupe';
import type { Script, ScriptEntry } from 'troupe/testing';

/** What users have said in the session that asks. */
const saidIn = ({ history }: ModelRequest): readonly string[] =>
  history.flatMap((entry) =>
    entry.type === 'message' && entry.role !== 'assistant'
      ? entry.content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
      : [],
  );
const isTold = (request: ModelRequest, words: string) => saidIn(request).some((text) => text.includes(words));
const call = (name: string, input: object) => ({ name, arguments: input });
const say = (text: string): ScriptEntry => ({ say: text });

const FINDINGS = JSON.stringify({
  findings: [
    {
      title: 'The key is not checked',
      body: 'Without a key the server refuses.',
      confidence_score: 0.4,
      priority: 3,
      code_location: { absolute_file_path: 'examples/01-minimal.ts', line_range: { start: 4, end: 4 } },
    },
  ],
  overall_explanation: 'It is fine.',
});

const PATCH = `*** Begin Patch
*** Update File: poem.txt
@@
-roses are red
+roses are blue
*** Add File: notes.txt
+blue
*** End Patch`;

/** By the number of the example. */
export const scripts: Readonly<Record<string, Script>> = {
  '01': [say('Hello.')],
  '02': [{ call: call('shell', { command: 'rm -r build' }) }, say('Then not.')],
  '03': [{ call: call('weather', { city: 'Ghent' }) }, say('It rains.')],
  '04': [{ say: 'Thinking', hang: true }],
  '05': [
    {
      call: call('shell', {
        command: 'npm test',
        with_escalated_permissions: true,
        justification: 'The tests need the network.',
      }),
    },
    say(FINDINGS),
  ],
  '06': [
    (request) => ({ say: isTold(request, 'Title 1') ? 'The Hunt' : 'White' }),
    (request) => ({ say: isTold(request, 'Title 1') ? 'The Hunt' : 'White' }),
  ],
  '07': {
    lanes: {
      root: [
        {
          call: [
            call('spawn_agent', { message: 'Count sheep.', agent_type: 'counter' }),
            call('spawn_agent', { message: 'Count stars for ever.', agent_type: 'counter' }),
          ],
        },
        { say: 'They count.' },
        { say: 'They count.' },
        { say: 'One has counted: 3 sheep.' },
      ],
      sheep: [say('3 sheep')],
      stars: [
        { call: call('update_plan', { plan: [] }) },
        { call: call('update_plan', { plan: [] }) },
        say('never said'),
      ],
    },
    pick(request) {
      if (saidIn(request).includes('Count sheep.')) return 'sheep';
      return saidIn(request).includes('Count stars for ever.') ? 'stars' : 'root';
    },
  },
  '08': [{ call: call('apply_patch', { input: PATCH }) }, say('Done.')],
  '09': [
    { afterMs: 50, call: call('update_plan', { plan: [{ step: 'bake', status: 'pending' }] }) },
    (request) => ({ say: isTold(request, 'With cherries.') ? 'A cake with cherries.' : 'A cake.' }),
    say('Tea is made.'),
  ],
  '10': [
    { call: call('librarian', { message: 'A book with a whale?' }) },
    say('Moby-Dick'),
    say('It is Moby-Dick.'),
    say('The Raven'),
  ],
  '11': [say('Ghent is a city.'), say('{"name":"Ghent","inhabitants":270000}')],
  '12': [
    { call: call('price', { of: 'tea' }) },
    { call: call('price', { of: 'cake' }) },
    say('A tea is 250 cents, a cake 400.'),
  ],
  '13': [say('All of it.')],
};

/** What each of them prints last. */
export const lastLines: Readonly<Record<string, string | RegExp>> = {
  '01': 'Hello.',
  '02': 'Then not.',
  '03': 'It rains.',
  '04': /^stopped in \d+ ms, kept: Thinking$/,
  '05': 'It is fine.',
  '06': 'The Hunt | White',
  '07': /^\d+ tokens, those of the agents with it$/,
  '08': 'roses are mine',
  '09': 'Tea is made.',
  '10': 'completed: The Raven',
  '11': 'Ghent has 270000 inhabitants.',
  '12': '400 cents → 4 euros',
  '13': 'All of it.',
};

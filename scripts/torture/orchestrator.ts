// A process that runs commands until somebody kills it; TORTURE has the way, the place, and the tags of the commands as JSON. It
// says "tried" when it knows what can confine them, and "ready" when all of them are; it starts them without a pause.
import { begin } from './run-tree.ts';
import { TREES } from './trees.ts';
import { groundsIn, procOf, specOf } from './ways.ts';

const { way, base, tags } = JSON.parse(process.env.TORTURE ?? '');
const grounds = groundsIn(base);
const proc = procOf(way, grounds.state);
await proc.containment();
process.stdout.write('tried\n');
const begun = tags.map((tag: string, at: number) => {
  const tree = TREES[at % TREES.length];
  if (tree === undefined) throw new Error('Expected a tree.');
  return begin(proc, specOf(tree.argv(tag), way, grounds)).ready;
});
await Promise.all(begun);
process.stdout.write('ready\n');
setInterval(() => {}, 60_000);

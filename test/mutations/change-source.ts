import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { changed, mutationNamed } from './mutations.ts';

// Loaded before a program (`node --import`): one module of the product is loaded with a mutation in it. The files stay as they are.
const { MUTATION = '' } = process.env;
const mutation = mutationNamed(MUTATION);
const file = fileURLToPath(new URL(`../../${mutation.file}`, import.meta.url));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || fileURLToPath(url) !== file) return loaded;
    return { ...loaded, source: changed(mutation, String(loaded.source)) };
  },
});

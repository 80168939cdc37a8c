import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { changed, mutationNamed } from './mutations.ts';

/** What is ours is loaded once for each mutation, and in that way known from the same without one. */
const NAME = 'mutation';
const ROOT = new URL('../../', import.meta.url).href;

// Loaded before a program (`node --import`): what it imports with `?mutation=NAME`, and all of ours that this imports, is the product
// with that mutation in it. The files stay as they are.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const name = mutationIn(context.parentURL);
    if (name === null || !isOurs(resolved.url)) return resolved;
    const url = new URL(resolved.url);
    url.searchParams.set(NAME, name);
    return { ...resolved, url: url.href };
  },
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const name = mutationIn(url);
    if (name === null) return loaded;
    const mutation = mutationNamed(name);
    if (fileURLToPath(url) !== fileURLToPath(new URL(mutation.file, ROOT))) return loaded;
    return { ...loaded, source: changed(mutation, String(loaded.source)) };
  },
});

function mutationIn(url: string | undefined): string | null {
  return url?.startsWith(ROOT) ? new URL(url).searchParams.get(NAME) : null;
}

function isOurs(url: string): boolean {
  return url.startsWith(ROOT) && !url.includes('/node_modules/');
}

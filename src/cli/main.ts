// What bin/troupe runs. Node keeps what it has made of the modules: else each start would compile them anew.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// In a directory of the user's own, because whoever can write to it decides what runs. Without one there is no cache.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'troupe', 'compiled'));
// No `await` here: what is built of this is loaded in the way that knows none at the top.
import('./program.ts').then(({ run }) => run(process.argv)).then((exitCode) => process.exit(exitCode));

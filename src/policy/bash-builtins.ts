/**
 * What bash runs itself, whatever the PATH has: no program stands behind these names, and most of them change what later
 * commands see. Functions and aliases there are none: `bash -c` has only what its environment brings, and ours brings none.
 */
export const BASH_BUILTINS: ReadonlySet<string> = new Set(
  (
    '. : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo enable ' +
    'eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd ' +
    'read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit umask unalias ' +
    'unset wait'
  ).split(' '),
);

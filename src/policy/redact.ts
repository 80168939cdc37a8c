/** Takes secrets out of a text. What stands in their place says what was there. */
export type Redact = (text: string) => string;

/** Shapes of known keys: prefixes that nothing else has, then so many characters that nobody writes by hand. */
const SHAPES: readonly (readonly [what: string, shape: string])[] = [
  ['Anthropic key', 'sk-ant-[A-Za-z0-9_-]{20,250}'],
  ['OpenAI key', 'sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,250}'],
  ['GitHub token', 'gh[pousr]_[A-Za-z0-9]{30,250}'],
  ['GitHub token', 'github_pat_[A-Za-z0-9_]{22,250}'],
  ['GitLab token', 'glpat-[A-Za-z0-9_-]{20,250}'],
  ['AWS key id', '(?:AKIA|ASIA)[0-9A-Z]{16}'],
  ['Google key', 'AIza[0-9A-Za-z_-]{35}'],
  ['Google token', 'ya29\\.[0-9A-Za-z_-]{20,250}'],
  ['Slack token', 'xox[abeoprs]-[0-9A-Za-z-]{10,250}'],
  ['npm token', 'npm_[A-Za-z0-9]{36}'],
  ['Hugging Face token', 'hf_[A-Za-z0-9]{30,100}'],
  ['Stripe key', '(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{20,250}'],
  ['SendGrid key', 'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
  ['DigitalOcean token', 'dop_v1_[a-f0-9]{64}'],
  ['age key', 'AGE-SECRET-KEY-1[0-9A-Z]{58}'],
  ['JSON web token', 'eyJ[A-Za-z0-9_-]{10,2000}\\.eyJ[A-Za-z0-9_-]{10,4000}\\.[A-Za-z0-9_-]{10,1000}'],
];

const WHAT = SHAPES.map(([what]) => what);
const ANY_SHAPE = new RegExp(`(?<![A-Za-z0-9_-])(?:${SHAPES.map(([, shape]) => `(${shape})`).join('|')})`, 'g');
const BEARER = /\b(authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4})[A-Za-z0-9._~+/=-]{8,4000}/gi;
/** The longest line of a key that is looked at; a key of 16,384 bits has some 200 lines. */
const PRIVATE_KEY =
  /-----BEGIN ([A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?:[A-Za-z0-9+/=\s:,.]|-(?!-)){1,20000}?-----END \1-----/g;

/** Names of variables whose values are secret, as far as that can be told from a name. */
const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|CANARY)S?$/i;
/** Shorter values, such as `true` or a port, stand in too many places. */
const VALUE_MIN_CHARACTERS = 12;

/** The values in an environment that are nobody's business, by the names of their variables. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value.length >= VALUE_MIN_CHARACTERS && SECRET_NAME.test(name) ? [value] : [],
  );
}

/**
 * Takes out keys of known shapes, private keys, what an Authorization header carries, and these values, also as base64 and as
 * in an address. Takes time in proportion to the text. Hashes, identifiers and other long words stay.
 */
export function redactor(values: readonly string[]): Redact {
  const known = [...new Set(values.flatMap(formsOf))].toSorted((a, b) => b.length - a.length);
  return (text) => {
    let shown = text;
    for (const value of known) if (shown.includes(value)) shown = shown.replaceAll(value, mark('value of a variable'));
    if (shown.includes('PRIVATE KEY'))
      shown = shown.replace(PRIVATE_KEY, (_, kind: string) => mark(kind.toLowerCase()));
    shown = shown.replace(BEARER, (_, before: string) => `${before}${mark('credentials')}`);
    return shown.replace(ANY_SHAPE, (found: string, ...groups: unknown[]) => {
      if (isByHand(found)) return found;
      const at = groups.indexOf(found);
      return mark(WHAT[at] as string); // Each shape is one group, and one of them has matched.
    });
  };
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [value, bytes.toString('base64').replace(/=+$/, ''), encodeURIComponent(value)];
}

/** Words joined by dashes are no key: a key has figures among its letters. */
function isByHand(found: string): boolean {
  return !/\d/.test(found);
}

function mark(what: string): string {
  return `[${what}, left out]`;
}

/** How much of a text that goes on is held back at most, in characters: as long as the longest key on one line. */
const HELD_MAX = 300;
/** The end of a text that may be the beginning of a key. */
const UNFINISHED = /[A-Za-z0-9_.~+/=-]{1,300}$/;

/**
 * The same for a text that comes in pieces: the word at its end is held back until it is whole, so that no key is shown because it
 * came in two. `end` gives what is held back.
 */
export function redactPieces(redact: Redact): Readonly<{ put(piece: string): string; end(): string }> {
  let held = '';
  return {
    put(piece) {
      const text = held + piece;
      const word = UNFINISHED.exec(text)?.[0] ?? '';
      held = word.length >= HELD_MAX ? '' : word;
      return redact(text.slice(0, text.length - held.length));
    },
    end() {
      const last = held;
      held = '';
      return redact(last);
    },
  };
}

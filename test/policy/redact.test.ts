import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor, redactPieces, secretsIn } from '../../src/policy/redact.ts';

const redact = redactor([]);
/** Put together here, so that no scanner of keys takes this file for a leak. */
const key = (...parts: string[]) => parts.join('');
const LONG = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k';

describe('what is taken out', () => {
  it.each([
    ['OpenAI key', key('sk-', LONG)],
    ['OpenAI key', key('sk-', 'proj-', LONG)],
    ['Anthropic key', key('sk-', 'ant-', LONG)],
    ['GitHub token', key('gh', 'p_', LONG)],
    ['GitHub token', key('github', '_pat_', LONG)],
    ['GitLab token', key('gl', 'pat-', LONG)],
    ['AWS key id', key('AK', 'IA', 'ABCDEFGHIJKLMN12')],
    ['Google key', key('AI', 'za', LONG.slice(0, 35))],
    ['Slack token', key('xo', 'xb-', '123456789012-abcdef')],
    ['npm token', key('npm', '_', LONG.slice(0, 36))],
    ['Hugging Face token', key('h', 'f_', LONG)],
    ['Stripe key', key('sk', '_live_', LONG)],
    ['JSON web token', key('ey', 'J', LONG, '.ey', 'J', LONG, '.', LONG)],
  ])('is a key: %s %s', (what, secret) => {
    expect(redact(`export K="${secret}" # mine`)).toBe(`export K="[${what}, left out]" # mine`);
  });

  it('is what a header carries, whatever it is', () => {
    expect(redact('> Authorization: Bearer abc.def-12345\n"authorization": "Basic dXNlcjpwYXNz"')).toBe(
      '> Authorization: Bearer [credentials, left out]\n"authorization": "Basic [credentials, left out]"',
    );
  });

  it('is a private key, and nothing around it', () => {
    const pem = ['-----BEGIN OPENSSH PRIVATE KEY-----', LONG, LONG, '-----END OPENSSH PRIVATE KEY-----'].join('\n');
    expect(redact(`a\n${pem}\nb`)).toBe('a\n[openssh private key, left out]\nb');
  });

  it('is a value that is known, in the forms in which it is passed on', () => {
    const value = 'not a shape / of its own';
    const known = redactor([value]);
    const forms = [value, Buffer.from(value).toString('base64'), encodeURIComponent(value)];
    expect(forms.map((form) => known(`<${form}>`).includes('left out'))).toEqual([true, true, true]);
  });

  it('is known of an environment by the names of its variables', () => {
    const env = {
      OPENAI_API_KEY: LONG,
      GITHUB_TOKEN: LONG,
      DB_PASSWORD: LONG,
      KEYBOARD: LONG,
      TOKEN: 'short',
      HOME: '/home/me/longer',
    };
    expect(secretsIn(env)).toEqual([LONG, LONG, LONG]);
  });
});

describe('what stays', () => {
  it.each([
    ['a hash of git', '3f786850e387550fdab836ed7e6dc881de23001b'],
    ['a UUID', '123e4567-e89b-42d3-a456-426614174000'],
    ['a checksum', 'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='],
    ['words with dashes', 'sk-fading-circle-animation-delay-long'],
    ['a name', 'npm_config_registry_of_somebody'],
    ['an image', `data:image/png;base64,${'iVBORw0KGgo'.repeat(20)}`],
    ['a public key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----'],
    ['a word about headers', 'The authorization header is missing.'],
  ])('is %s', (_, text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('a text in pieces', () => {
  const secret = key('sk-', 'proj-', LONG);

  it('shows no key that comes in two, wherever it is cut', () => {
    const text = `before ${secret} after`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
        const pieces = redactPieces(redact);
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const shown = at.slice(1).map((end, index) => pieces.put(text.slice(at[index], end)));
        expect(shown.join('') + pieces.end()).toBe('before [OpenAI key, left out] after');
      }),
    );
  });

  it('holds nothing back but the word at its end', () => {
    const pieces = redactPieces(redact);
    expect([pieces.put('one tw'), pieces.put('o thr'), pieces.put('ee\n'), pieces.end()]).toEqual([
      'one ',
      'two ',
      'three\n',
      '',
    ]);
  });
});

it('takes time in proportion to the text, whatever the text is', () => {
  const texts = [
    'sk-'.repeat(400_000),
    'eyJ'.repeat(400_000),
    '-----BEGIN PRIVATE KEY-----\n'.repeat(40_000),
    'authorization: bearer '.repeat(50_000),
    'A'.repeat(1_000_000),
  ];
  // Exponential or quadratic work would not end before the limit of a test.
  for (const text of texts) expect(redact(text).length).toBeGreaterThan(0);
});

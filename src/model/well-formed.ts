/** Puts a text together from pieces that may cut a character in two. */
export type TextJoiner = Readonly<{
  /** What can be shown now that `piece` has come: well-formed, so the first half of a character waits for the second. */
  push(piece: string): string;
  /** What is left when nothing more comes: a half that never met its other half becomes U+FFFD. */
  end(): string;
}>;

export function createTextJoiner(): TextJoiner {
  let half = '';
  return {
    push(piece) {
      const text = half + piece;
      half = endsInHalf(text) ? text.slice(-1) : '';
      return (half === '' ? text : text.slice(0, -1)).toWellFormed();
    },
    end() {
      const rest = half.toWellFormed();
      half = '';
      return rest;
    },
  };
}

/** Whether the last code unit is a high surrogate, which a low one must follow. */
function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

/** A domain after the `@`, by its last label of letters; `logo@2x.png` is a picture. */
const DOMAIN = /(?!\d+x\.)[^\s@/:]+\.\p{L}{2}/uy;
const BEFORE = /[^\s@/:]/;

/** True when an e-mail address stands in a text, also percent-encoded as in a path. Takes time in proportion to the text, whatever it holds. */
export const holdsEmailAddress = (text: string): boolean => {
  if (!text.includes('@') && !text.includes('%40')) return false;
  const plain = text.replaceAll('%40', '@');
  for (let at = plain.indexOf('@'); at >= 0; at = plain.indexOf('@', at + 1)) {
    DOMAIN.lastIndex = at + 1;
    if (BEFORE.test(plain[at - 1] ?? '') && DOMAIN.test(plain)) return true;
  }
  return false;
};

/** How much of a personal value its category lets a reader see without the right to reveal it. */
export type Mask = 'full' | 'partial' | 'last-4';

// Of fixed length: the number of dots must not tell the length of what they hide.
const HIDDEN = '••••';

/** Short values are hidden wholly: the rest would be most of them. */
const SHORTEST_LAST_4 = 8;
const SHORTEST_PARTIAL = 3;

const firstOf = (text: string): string => (text.length >= SHORTEST_PARTIAL ? `${String.fromCodePoint(text.codePointAt(0)!)}${HIDDEN}` : HIDDEN);

/**
 * Masks a text for display. `full`: nothing is left. `partial`: the first character, and for an e-mail address also its top-level
 * domain. `last-4`: the last four characters of values of eight or more. Not reversible, not an identifier: two values may look alike.
 */
export const maskText = (text: string, mask: Mask): string => {
  if (mask === 'full') return HIDDEN;
  if (mask === 'last-4') return text.length >= SHORTEST_LAST_4 ? `${HIDDEN}${text.slice(-4)}` : HIDDEN;
  const at = text.lastIndexOf('@');
  if (at < 0) return firstOf(text);
  const domain = text.slice(at + 1);
  const dot = domain.lastIndexOf('.');
  return `${firstOf(text.slice(0, at))}@${HIDDEN}${dot < 0 ? '' : domain.slice(dot)}`;
};

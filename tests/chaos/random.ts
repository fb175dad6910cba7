/** Numbers that a seed decides: the same text gives the same run of them on every machine. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  chance(probability: number): boolean;
  /** A new order of the same things. */
  shuffled<T>(things: readonly T[]): T[];
}

/** FNV-1a over UTF-16 units: only to turn names into different starts. */
const startOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

/** splitmix32 (Steele, Lea, Flood 2014): enough for choosing faults, useless for secrets. */
export const randomOf = (...seed: readonly (string | number)[]): Random => {
  let state = startOf(seed.join('\0'));
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const shuffled = <T>(things: readonly T[]): T[] => {
    const order = [...things];
    for (let at = order.length - 1; at > 0; at -= 1) {
      const other = between(0, at);
      [order[at], order[other]] = [order[other]!, order[at]!];
    }
    return order;
  };
  return { next, between, shuffled, pick: (from) => from[between(0, from.length - 1)]!, chance: (probability) => next() < probability };
};

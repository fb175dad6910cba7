/** A deterministic source of chance: same seed, same draws. Not for secrets. */
export interface Random {
  /** 0 <= x < 1 */
  unit(): number;
  /** min <= n <= max */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** `length` characters drawn from `alphabet`. */
  text(alphabet: string, length: number): string;
  /** An independent source for a named part, whatever this one has drawn already. */
  fork(label: string): Random;
}

/** FNV-1a over the label, mixed with the seed: forks with different labels share no draws. */
const labelled = (seed: number, label: string): number => {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < label.length; index += 1) hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
};

/** splitmix32 (Steele, Lea, Flood 2014, in its 32-bit form): fills the state below from one number. */
const splitmix = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
};

/** sfc32 (Doty-Humphrey, PractRand): 128 bits of state, so long texts of different people don't repeat. */
export const seededRandom = (seed: number): Random => {
  const fill = splitmix(seed);
  let [a, b, c, counter] = [fill(), fill(), fill(), 1];
  const next = (): number => {
    const sum = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + sum) >>> 0;
    return sum;
  };
  for (let round = 0; round < 12; round += 1) next();
  const unit = (): number => next() / 4_294_967_296;
  const integer = (min: number, max: number): number => min + Math.floor(unit() * (max - min + 1));
  return {
    unit, integer,
    chance: (probability) => unit() < probability,
    pick: (from) => from[integer(0, from.length - 1)]!,
    text: (alphabet, length) => Array.from({ length }, () => alphabet[integer(0, alphabet.length - 1)]).join(''),
    fork: (label) => seededRandom(labelled(seed, label)),
  };
};

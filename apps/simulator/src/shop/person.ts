import type { Random } from './random.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const UPPER = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

export const COUNTRIES = ['Germany', 'France', 'Netherlands', 'Austria', 'Spain', 'Poland', 'United Kingdom', 'Sweden'] as const;

/** A customer who never lived. Each value has at least 12 random characters, so that a byte scan can't meet it by accident. */
export interface Person {
  readonly number: string;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly address: string;
  readonly visitorId: string;
  readonly country: string;
}

const word = (random: Random): string => {
  const letters = random.text(LETTERS, 12);
  return letters[0]!.toUpperCase() + letters.slice(1);
};

export const phoneOf = (random: Random): string => `+49${random.text(DIGITS, 13)}`;

/** The `index`-th customer of a seed: the same one in every run. */
export const personOf = (random: Random, index: number): Person => {
  const own = random.fork(`person ${index}`);
  return {
    number: `C${own.text(UPPER, 14)}`,
    name: `${word(own)} ${word(own)}`,
    email: `${own.text(LETTERS + DIGITS, 16)}@mail.example`,
    phone: phoneOf(own),
    address: `${word(own)} ${own.integer(1, 200)}, ${own.text(DIGITS, 5)} ${word(own)}`,
    visitorId: `v-${own.text(LETTERS + DIGITS, 16)}`,
    country: own.pick(COUNTRIES),
  };
};

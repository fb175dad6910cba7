import { hash } from 'node:crypto';

export const ACCOUNT_NAME_LENGTH = 100;

/** The form in which account names are compared: two names that look alike are one. */
export const nameKeyOf = (name: string): string => name.normalize('NFKC').trim().toLowerCase();

/** Under which attempts are counted. */
export const nameHashOf = (name: string): Buffer => hash('sha256', nameKeyOf(name), 'buffer');

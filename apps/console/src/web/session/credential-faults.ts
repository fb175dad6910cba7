import type { Problem } from '../problem.ts';

/** Bounds of what may be typed, as security has them: there they are enforced, here they are told early. */
export const NAME_LENGTH = 100;
export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;
/** Something that is not a space. */
export const NAME_PATTERN = '.*\\S.*';

export type CredentialField = 'name' | 'password';

/** A refusal in words for who typed; by field where one is at fault, so that it can stand beside it. */
export interface CredentialFaults {
  readonly fields: Readonly<Partial<Record<CredentialField, string>>>;
  readonly whole?: string;
}

const WORDS: Readonly<Record<CredentialField, string>> = {
  name: `A name has 1 to ${NAME_LENGTH} characters, not only spaces.`,
  password: `A password has ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters.`,
};

export const credentialFaults = ({ code, message }: Pick<Problem, 'code' | 'message'>): CredentialFaults => {
  if (code === 'account-name-taken') return { fields: { name: message } };
  if (code !== 'request-malformed' && code !== 'credentials-malformed') return { fields: {}, whole: message };
  // The members at fault are named as pointers or as words; what else the protocol says is no use to who typed.
  const fields = Object.fromEntries((['name', 'password'] as const).filter((field) => new RegExp(`(?:/|\\b)${field}(?::|,|\\.)`).test(message)).map((field) => [field, WORDS[field]]));
  return Object.keys(fields).length > 0 ? { fields } : { fields: {}, whole: 'This could not be read. Load the page again and try once more.' };
};

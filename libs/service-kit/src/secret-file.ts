import { readFile, stat } from 'node:fs/promises';
import { DomainError } from '@millrace/kernel';

/**
 * Text of a secret's file, trimmed. Refuses a file that others than its owner can read (mode wider than 0600), so that a leaked seed is a
 * start-up error and not a habit. Errors: DomainError `invalid` with codes `secret-file-open`, `secret-file-empty`; a missing file keeps Node's ENOENT.
 */
export const readSecretFile = async (path: string): Promise<string> => {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new DomainError('invalid', 'secret-file-open', { mode: (mode & 0o777).toString(8) }, `A secret's file must be readable by its owner alone; ${path} has mode ${(mode & 0o777).toString(8)}: run chmod 600 on it.`);
  }
  const text = (await readFile(path, 'utf8')).trim();
  if (text === '') throw new DomainError('invalid', 'secret-file-empty', {}, `Expected a secret in ${path}, found an empty file.`);
  return text;
};

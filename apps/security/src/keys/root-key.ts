import { DomainError } from '@millrace/kernel';
import { readSecretFile } from '@millrace/service-kit';

const HEX = /^[0-9a-f]{64}$/;

/**
 * The root key: 32 bytes as 64 hex digits in a file of mode 0600. DomainError `invalid`: `secret-file-open` when others may read the
 * file, `root-key-malformed`; a missing file keeps Node's ENOENT. Without the root key no stored personal field can ever be opened.
 */
export const readRootKey = async (path: string): Promise<Buffer> => {
  const text = await readSecretFile(path);
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  throw new DomainError('invalid', 'root-key-malformed', { characters: text.length }, `Expected 64 hex digits in ${path}, found ${text.length} other characters. Restore the root key from its backup; a new one opens nothing that is stored.`);
};

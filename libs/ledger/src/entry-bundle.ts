import { DomainError } from '@millrace/kernel';

/**
 * Byte strings one after the other, each behind its length in `lengthBytes` big-endian bytes: with two, an entry bundle of C2SP
 * tlog-tiles; with four, the salts and data that belong to its entries.
 */
export const formatBundle = (items: readonly Uint8Array[], lengthBytes: 2 | 4): Buffer => {
  const bundle = Buffer.alloc(items.reduce((sum, item) => sum + lengthBytes + item.length, 0));
  let at = 0;
  for (const item of items) {
    at = bundle.writeUIntBE(item.length, at, lengthBytes);
    bundle.set(item, at);
    at += item.length;
  }
  return bundle;
};

/** Takes a bundle of exactly `count` items apart; throws `bundle-malformed` when bytes are missing or left over. */
export const parseBundle = (bundle: Buffer, count: number, lengthBytes: 2 | 4): Buffer[] => {
  const items: Buffer[] = [];
  let at = 0;
  while (items.length < count && at + lengthBytes <= bundle.length) {
    const end = at + lengthBytes + bundle.readUIntBE(at, lengthBytes);
    if (end > bundle.length) break;
    items.push(bundle.subarray(at + lengthBytes, end));
    at = end;
  }
  if (items.length === count && at === bundle.length) return items;
  throw new DomainError('invalid', 'bundle-malformed', { count }, `A bundle of ${count} entries ends after ${items.length} whole ones with ${bundle.length - at} bytes left: it was cut or edited.`);
};

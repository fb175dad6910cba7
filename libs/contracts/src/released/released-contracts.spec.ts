import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { VocabularyCheck } from '../compatibility/vocabulary-check.ts';
import { FIXTURES } from '../fixtures/frozen.ts';
import { CONTRACTS } from '../registry.ts';
import { CONTRACT_READERS } from './contract-readers.ts';
import { RELEASED_CONTRACTS } from './released-contracts.ts';

/** SHA-256 over the frozen lines; tools/freeze-contracts.mjs prints it when contracts are released. */
const RELEASED = '3e044ecfbf2c78f775462de8a7cebe1e69422902aea650f465dea10f098fc35d';

const nameOf = ({ type, version }: { readonly type: string; readonly version: number }): string => `${type}@${version}`;

describe('the released contracts', () => {
  it('are frozen: a change of a line shows here', () => {
    expect(createHash('sha256').update(RELEASED_CONTRACTS.map((contract) => `  ${canonicalize(contract)},`).join('\n')).digest('hex')).toBe(RELEASED);
  });
  it('are all there are: a contract is released with the commit that adds it', () => {
    expect(RELEASED_CONTRACTS.map(nameOf).toSorted()).toEqual(CONTRACTS.map(nameOf).toSorted());
  });
  it('are survived by the contracts, upcasters and fixtures of today', () => {
    expect(new VocabularyCheck({ contracts: CONTRACTS, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: CONTRACT_READERS }).run()).toEqual([]);
  });
});

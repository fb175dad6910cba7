// Writes the released form of every contract to libs/contracts/src/released/released-contracts.ts: run when contracts are released, with
//   node --conditions=source --import ./tools/swc-hook.mjs tools/freeze-contracts.mjs
// It refuses while a released contract has changed in a way stored events would not survive, so nothing is frozen over a break.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import canonicalize from 'canonicalize';
import { CONTRACTS, CONTRACT_READERS, VocabularyCheck, FIXTURES, RELEASED_CONTRACTS, releasedForm } from '../libs/contracts/src/index.ts';

const findings = new VocabularyCheck({ contracts: CONTRACTS, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: CONTRACT_READERS }).run();
if (findings.length > 0) {
  for (const { type, version, says } of findings) process.stderr.write(`${type}@${version} ${says}\n`);
  process.exit(1);
}
const lines = CONTRACTS.map((contract) => `  ${canonicalize(releasedForm(contract, FIXTURES))},`);
writeFileSync(new URL('../libs/contracts/src/released/released-contracts.ts', import.meta.url), `import type { ReleasedContract } from '../compatibility/vocabulary-check.ts';

/**
 * Every contract as it was last released, one a line, written by tools/freeze-contracts.mjs and never by hand: a test knows the hash of all
 * lines, and the compatibility check holds today's contracts against them.
 */
export const RELEASED_CONTRACTS: readonly ReleasedContract[] = [
${lines.join('\n')}
];
`);
process.stdout.write(`${lines.length} contracts frozen; RELEASED ${createHash('sha256').update(lines.join('\n')).digest('hex')}\n`);

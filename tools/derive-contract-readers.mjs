// Writes libs/contracts/src/released/contract-readers.ts: run when a projection, metric, table or manifest reads other fields than before, with
//   node --conditions=source --import ./tools/swc-hook.mjs tools/derive-contract-readers.mjs
// A test derives the same again and compares, so the file can't drift from the code.
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { deriveContractReaders } from '../tests/architecture/contract-readers.ts';

const quoted = (value) => (Array.isArray(value) ? `[${value.map(quoted).join(', ')}]` : `'${value}'`);
const readers = await deriveContractReaders();
const lines = readers.map(({ name, type, pointers }) => `  { name: ${quoted(name)}, type: ${quoted(type)}, pointers: ${quoted(pointers)} },`);
writeFileSync(new URL('../libs/contracts/src/released/contract-readers.ts', import.meta.url), `import type { ContractReader } from '../compatibility/finding.ts';

/**
 * Who reads which fields, found out by running the readers on examples and written by tools/derive-contract-readers.mjs, never by hand. It is
 * kept as data so that every process can say what a change would break without holding the others' code.
 */
export const CONTRACT_READERS: readonly ContractReader[] = [
${lines.join('\n')}
];
`);
process.stdout.write(`${readers.length} readers of fields\n`);

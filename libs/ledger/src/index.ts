export { EMPTY_ROOT, HASH_BYTES, hashChildren, hashLeaf } from './tree-hash.ts';

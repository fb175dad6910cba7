export { teardown as default } from './jest-servers.mjs';

import { project } from '../jest.config.mjs';
export default project('tamper', ['<rootDir>/tamper/*.spec.ts'], 300_000);

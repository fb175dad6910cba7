import { project } from '../jest.config.mjs';
/** With servers: what manifests grant is compared with what a real Postgres then says. */
export default {
  ...project('architecture', ['<rootDir>/architecture/*.spec.ts', '<rootDir>/load/*.spec.ts']),
  globalSetup: '<rootDir>/../tools/jest-servers-setup.mjs',
  globalTeardown: '<rootDir>/../tools/jest-servers-teardown.mjs',
};

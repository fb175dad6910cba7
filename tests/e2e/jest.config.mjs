import { project } from '../jest.config.mjs';
export default project('e2e', ['<rootDir>/e2e/*.e2e.spec.ts'], 600_000);

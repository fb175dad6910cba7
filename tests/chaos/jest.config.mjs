import { project } from '../jest.config.mjs';
export default project('chaos', ['<rootDir>/chaos/*.spec.ts']);

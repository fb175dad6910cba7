import { project } from '../jest.config.mjs';
export default project('architecture', ['<rootDir>/architecture/*.spec.ts']);

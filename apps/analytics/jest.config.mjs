import preset from '../../jest.preset.mjs';
export default {
  ...preset,
  displayName: 'analytics',
  globalSetup: '../../tools/jest-servers-setup.mjs',
  globalTeardown: '../../tools/jest-servers-teardown.mjs',
};

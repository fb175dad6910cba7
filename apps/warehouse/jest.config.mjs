import preset from '../../jest.preset.mjs';
export default {
  ...preset,
  displayName: 'warehouse',
  globalSetup: '../../tools/jest-servers-setup.mjs',
  globalTeardown: '../../tools/jest-servers-teardown.mjs',
};

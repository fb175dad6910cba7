import preset from '../jest.preset.mjs';

/** The two projects of this folder differ only in what they match and how long they may take. */
export const project = (displayName, testMatch, testTimeout = 60_000) => ({ ...preset, displayName, rootDir: import.meta.dirname, testMatch, testTimeout, maxWorkers: 1 });

import preset from '../jest.preset.mjs';

/** The two projects of this folder differ only in what they match and how long they may take, and how many run at once. */
export const project = (displayName, testMatch, testTimeout = 60_000, maxWorkers = 1) => ({ ...preset, displayName, rootDir: import.meta.dirname, testMatch, testTimeout, maxWorkers });

import { bundlePath } from './tile.ts';

/**
 * An export of a log is a folder laid out as C2SP tlog-tiles has it: `checkpoint` (the cosigned note), `tile/<level>/…` and
 * `tile/entries/…`, plus `data/…` beside each entry bundle: salt ‖ data of its entries, empty where data was redacted.
 */
export const CHECKPOINT_PATH = 'checkpoint';

export const entriesPath = bundlePath;

export const dataPath = (bundle: { readonly index: number; readonly width: number }): string => bundlePath(bundle).replace(/^tile\/entries\//, 'data/');

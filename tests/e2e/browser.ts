import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const SYSTEM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

/**
 * The machine's Chromium, else the one that came from npm. Of the flags its package names none is taken: they are for a sandbox without
 * processes, where everything shares one (`--single-process`), and there closing a single window ends the browser.
 */
export const launchBrowser = async (): Promise<Browser> => {
  const installed = SYSTEM.find((path) => existsSync(path));
  if (installed !== undefined && process.env['MILLRACE_BROWSER'] !== 'npm') return chromium.launch({ executablePath: installed, args: QUIET });
  const { default: packaged } = await import('@sparticuz/chromium');
  return chromium.launch({ executablePath: await packaged.executablePath(), args: QUIET });
};

import { build, ensureInstalled } from './install.mjs';

ensureInstalled();
process.exit(build(process.argv.slice(2)) ? 0 : 1);

// Writes apps/<app>/.env.example from the settings of src/*.config.ts: run when a setting changes, with
//   node --conditions=source --import ./tools/swc-hook.mjs tools/env-examples.mjs
// A test derives the same again and compares, so the files can't drift from the code.
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { envExamples } from '../tests/architecture/env-examples.ts';

const examples = envExamples();
for (const [app, text] of examples) writeFileSync(new URL(`../apps/${app}/.env.example`, import.meta.url), text);
process.stdout.write(`${examples.size} example files\n`);

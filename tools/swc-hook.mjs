// Lets plain Node run the workspace's TypeScript (decorators included) without a build:
//   node --conditions=source --import ./tools/swc-hook.mjs apps/<service>/src/main.ts
import { registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const jsc = {
  target: 'es2024',
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
};
registerHooks({
  load(url, context, next) {
    const ours = url.startsWith('file:') && url.endsWith('.ts') && !url.includes('/node_modules/');
    if (!ours) return next(url, context);
    const filename = fileURLToPath(url);
    const source = readFileSync(filename, 'utf8');
    const { code } = transformSync(source, { filename, swcrc: false, configFile: false, sourceMaps: 'inline', jsc, module: { type: 'es6' } });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

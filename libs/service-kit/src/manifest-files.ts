import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseServiceManifest, type ServiceManifest } from '@millrace/contracts';
import { parse } from 'yaml';

// A door of its own: the command line reads manifests without loading Nest.

/** Every `<appsDir>/<name>/service.yaml`, by name. DomainError `manifest-invalid` names the first that doesn't fit its schema. */
export const readServiceManifests = (appsDir: string): ServiceManifest[] => readdirSync(appsDir).sort()
  .map((app) => join(appsDir, app, 'service.yaml'))
  .filter((file) => existsSync(file))
  .map((file) => parseServiceManifest(parse(readFileSync(file, 'utf8'))));

import type { ServiceManifest } from '@millrace/contracts';

/** Touches the event database: gets a role there. */
export const usesEvents = (manifest: ServiceManifest): boolean => manifest.relay || manifest.appends.length > 0 || manifest.reads.length > 0;

export const usesPostgres = (manifest: ServiceManifest): boolean => usesEvents(manifest) || manifest.databases.length > 0 || manifest.keys;

/** Speaks on the bus: gets an nkey. */
export const usesNats = (manifest: ServiceManifest): boolean =>
  manifest.relay || manifest.reads.length > 0 || manifest.asks.length > 0 || manifest.answers.length > 0;

/** Asks security for data keys: its requests are sealed with a curve key of its own. */
export const asksForKeys = (manifest: ServiceManifest): boolean =>
  manifest.asks.some((subject) => subject.startsWith('query.security.keys') || subject === 'query.security.>');

export const roleOf = (service: string): string => `millrace_${service.replaceAll('-', '_')}`;

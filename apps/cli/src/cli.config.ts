import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Admin addresses of servers that are used instead of the embedded ones; roles and databases are made in them. */
export interface ExternalServers {
  readonly events?: string;
  readonly reads?: string;
  readonly keys?: string;
  readonly nats?: string;
}

export interface CliConfig {
  /** Where all state lives. */
  readonly home: string;
  /** The checkout: apps, libs and node_modules. */
  readonly workspace: string;
  /** MILLRACE_NATS_SERVER: the nats-server to run. */
  readonly natsServer?: string;
  readonly external: ExternalServers;
  /** What services inherit: the search path, locale, settings of telemetry and of the intake; nothing else, so that no stranger's secret travels. */
  readonly inherited: Readonly<Record<string, string>>;
}

type Variables = Readonly<Record<string, string | undefined>>;

const INHERITED = /^(PATH|HOME|LANG|LC_ALL|TZ|TMPDIR|OTEL_[A-Z_]+|MILLRACE_LOG_LEVEL|MILLRACE_CLOCK_OFFSET_MS|MILLRACE_INTAKE_[A-Z_]+)$/;

const isWorkspace = (folder: string): boolean => {
  const file = join(folder, 'package.json');
  return existsSync(file) && readFileSync(file, 'utf8').includes('"millrace-workspace"');
};

/** The nearest folder at or above `from` that holds `.millrace` or is the workspace; `fallback` when there is none. */
export const projectRootOf = (from: string, fallback: string): string => {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.millrace')) || isWorkspace(folder)) return folder;
    if (folder === dirname(folder)) return fallback;
  }
};

export const cliConfigFrom = (variables: Variables, cwd: string): CliConfig => {
  const workspace = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
  const set = (name: string): string | undefined => variables[name] === '' ? undefined : variables[name];
  return {
    workspace,
    home: resolve(cwd, set('MILLRACE_HOME') ?? join(projectRootOf(cwd, workspace), '.millrace')),
    natsServer: set('MILLRACE_NATS_SERVER'),
    external: {
      events: set('MILLRACE_EVENTS_POSTGRES_URL'), reads: set('MILLRACE_POSTGRES_URL'),
      keys: set('MILLRACE_KEYS_POSTGRES_URL'), nats: set('MILLRACE_NATS_URL'),
    },
    inherited: Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => INHERITED.test(entry[0]) && entry[1] !== undefined)),
  };
};

// oxlint-disable-next-line node/no-process-env -- the one place where the command line reads its environment
export const readCliConfig = (): CliConfig => cliConfigFrom(process.env, process.cwd());

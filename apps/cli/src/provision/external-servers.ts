import { connect } from 'node:net';
import { DomainError } from '@millrace/kernel';
import type { CliConfig } from '../cli.config.ts';
import { addressOf, withAdmin } from './databases.ts';
import { CLUSTERS, POSTGRES_MAJOR, type ClusterName } from './postgres-cluster.ts';

/** The variables that name servers run by somebody else. */
export const POSTGRES_VARIABLES: Readonly<Record<ClusterName, string>> = { events: 'MILLRACE_EVENTS_POSTGRES_URL', reads: 'MILLRACE_POSTGRES_URL', keys: 'MILLRACE_KEYS_POSTGRES_URL' };
const NATS_VARIABLE = 'MILLRACE_NATS_URL';

const NATS_PORT = 4222;
/** A server at hand says who it is in milliseconds. */
const GREETING_MS = 3_000;

const unusable = (variable: string, why: string, remedy: string): DomainError => new DomainError('invalid', 'external-server-unusable', { variable }, `${variable}: ${why}; ${remedy}`);

const parsed = (variable: string, text: string, protocols: readonly string[]): URL => {
  const url = URL.parse(text);
  if (url !== null && protocols.includes(url.protocol) && url.hostname !== '') return url;
  // The text itself may hold a password.
  throw unusable(variable, 'is no address of the kind', `expected one as in ${protocols[0]}//host:port`);
};

/** Throws `external-server-unusable`, which names the variable, unless a Postgres of our version or a newer one answers there as a superuser. */
const requirePostgres = async (name: ClusterName, adminUrl: string): Promise<void> => {
  const variable = POSTGRES_VARIABLES[name];
  const url = parsed(variable, adminUrl, ['postgres:', 'postgresql:']);
  const { version, superuser } = await withAdmin(adminUrl, async (client) => {
    const { rows } = await client.query<{ version: string; superuser: string }>("select current_setting('server_version_num') as version, current_setting('is_superuser') as superuser");
    return rows[0]!;
  }).catch((error: Error) => { throw unusable(variable, error.message, 'start that server, or correct host, port, user and password'); });
  const major = Math.floor(Number(version) / 10_000);
  if (major < Number(POSTGRES_MAJOR)) throw unusable(variable, `Postgres ${major} answers at ${url.host}`, `expected Postgres ${POSTGRES_MAJOR} or newer`);
  if (superuser !== 'on') throw unusable(variable, `the login at ${addressOf(adminUrl)} is no superuser's`, 'roles, databases and grants are made with it: name one that may');
};

/** Whether a NATS server greets there: its first line is `INFO {…}`, before any login. */
export const natsGreets = (text: string): Promise<boolean> => new Promise((resolve) => {
  const url = URL.parse(text);
  if (url === null) return resolve(false);
  const socket = connect({ host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || NATS_PORT) });
  const end = (greeted: boolean): void => { socket.destroy(); resolve(greeted); };
  socket.setTimeout(GREETING_MS, () => end(false)).once('data', (chunk: Buffer) => end(chunk.toString('latin1').startsWith('INFO '))).once('error', () => end(false)).once('close', () => end(false));
});

/** As requirePostgres, for the server that `MILLRACE_NATS_URL` names. */
const requireNats = async (address: string): Promise<void> => {
  const url = parsed(NATS_VARIABLE, address, ['nats:', 'tls:']);
  if (!await natsGreets(address)) throw unusable(NATS_VARIABLE, `no NATS server answers at ${url.host}`, 'start it with the users of <data folder>/nats/nats.conf, or leave the variable out and one is started here');
};

/** All servers that are named instead of the embedded ones. Throws for the first that can't be used, before anything is started. */
export const requireExternalServers = async ({ external }: CliConfig): Promise<void> => {
  for (const name of CLUSTERS) {
    const url = external[name];
    if (url !== undefined) await requirePostgres(name, url);
  }
  if (external.nats !== undefined) await requireNats(external.nats);
};

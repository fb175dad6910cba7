import { DomainError } from '@millrace/kernel';
import { natsPermissions, type BusManifest } from './permissions.ts';

export interface NatsServerOptions {
  readonly host?: string;
  readonly port: number;
  /** Folder for JetStream's files. */
  readonly storeDir: string;
  readonly serverName?: string;
  /** Most bytes JetStream may keep on disk. */
  readonly maxFileStoreBytes?: number;
  /** One user per service, known by its nkey's public half (U…). */
  readonly users: readonly { readonly manifest: BusManifest; readonly publicNkey: string }[];
}

/** Larger than the largest stored event (512 KiB of data, 16 KiB of envelope) and far below what would stall a slow reader. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** The server's own two seconds refuse a service that starts on a machine that is busy with all the others. */
const AUTHORIZATION_TIMEOUT_S = 15;
const DEFAULT_MAX_FILE_STORE_BYTES = 32 * 1024 ** 3;

const PUBLIC_NKEY = /^U[A-Z2-7]{55}$/;
const SUBJECT = /^[A-Za-z0-9_$>*. -]+$/;

const quoted = (text: string): string => {
  if (/["\\\n\r]/.test(text)) throw new DomainError('invalid', 'nats-config-text', {}, 'A name or folder in the NATS configuration must have no quote, backslash or line break.');
  return `"${text}"`;
};

const list = (subjects: readonly string[]): string => {
  const odd = subjects.find((subject) => !SUBJECT.test(subject));
  if (odd !== undefined) throw new DomainError('invalid', 'subject-malformed', { subject: odd.slice(0, 80) }, `Expected a NATS subject in a service.yaml; got "${odd.slice(0, 80)}".`);
  return `[${subjects.map(quoted).join(', ')}]`;
};

const userText = ({ manifest, publicNkey }: NatsServerOptions['users'][number]): string => {
  if (!PUBLIC_NKEY.test(publicNkey)) throw new DomainError('invalid', 'nkey-malformed', { service: manifest.service }, `Expected the public nkey of ${manifest.service}: U and 55 more characters.`);
  const { publish, subscribe, answersRequests } = natsPermissions(manifest);
  // Without anything to publish, an empty allow list would mean "everything".
  const publishing = publish.length > 0 ? `{ allow: ${list(publish)} }` : '{ deny: [">"] }';
  return [
    `    # ${manifest.service}`,
    `    { nkey: ${publicNkey}, permissions: {`,
    `      publish: ${publishing}`,
    `      subscribe: { allow: ${list(subscribe)} }`,
    ...(answersRequests ? ['      allow_responses: { max: 1, expires: "1m" }'] : []),
    '    } }',
  ].join('\n');
};

/**
 * Text of a nats-server configuration file: JetStream on, one nkey user per service with its static subject lists, nobody else. No monitoring
 * listener: it asks for no login and tells of every connection, stream and consumer.
 */
export const natsServerConfig = (options: NatsServerOptions): string => [
  `server_name: ${quoted(options.serverName ?? 'millrace')}`,
  `host: ${quoted(options.host ?? '127.0.0.1')}`,
  `port: ${options.port}`,
  `max_payload: ${MAX_PAYLOAD_BYTES}`,
  'jetstream {',
  `  store_dir: ${quoted(options.storeDir)}`,
  `  max_file_store: ${options.maxFileStoreBytes ?? DEFAULT_MAX_FILE_STORE_BYTES}`,
  '}',
  'authorization {',
  `  timeout: ${AUTHORIZATION_TIMEOUT_S}`,
  '  users: [',
  options.users.map(userText).join(',\n'),
  '  ]',
  '}',
  '',
].join('\n');

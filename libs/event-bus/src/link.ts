import { connect, nkeyAuthenticator, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { DomainError } from '@millrace/kernel';
import { pause } from './back-off.ts';

export interface BusLinkOptions {
  readonly url: string;
  /** Name of the service: its connections and its inbox `_INBOX.<service>` are named after it. */
  readonly service: string;
  /** nkey seed (SU…); left out only against a server without users, as in tests. */
  readonly seed?: string;
  /** Told when the link goes up or down, and of refusals by the server's permissions. */
  readonly onChange?: (change: BusLinkChange) => void;
}

export type BusLinkChange = { readonly kind: 'up' | 'down' } | { readonly kind: 'error'; readonly error: Error };

/** Between attempts; short, because a local server is back within a second, and jittered by the client. */
const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 3_000;
/** A dead peer is noticed within two of these. */
const PING_MS = 5_000;

const optionsOf = ({ url, service, seed }: BusLinkOptions): ConnectionOptions => ({
  servers: url,
  name: service,
  inboxPrefix: `_INBOX.${service}`,
  maxReconnectAttempts: -1,
  reconnectTimeWait: RECONNECT_MS,
  pingInterval: PING_MS,
  timeout: CONNECT_TIMEOUT_MS,
  // A server restarted with changed keys must not end the client: an operator may put them right.
  ignoreAuthErrorAbort: true,
  ...(seed === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
});

/**
 * A service's connection to NATS that is allowed to be away: opening doesn't wait for the server, it reconnects for ever, and callers ask for
 * the connection each time. Nothing waits inside: `current()` is undefined, `connection()` throws `unavailable` while the bus is down.
 */
export class BusLink {
  private nc: NatsConnection | undefined;
  private up = false;
  private closing = false;
  private reported: string | undefined;
  private readonly stopping = new AbortController();
  private readonly watchers = new Set<(nc: NatsConnection) => void>();
  private readonly running: Promise<void>;

  private constructor(private readonly options: BusLinkOptions) {
    this.running = this.run();
  }

  static open(options: BusLinkOptions): BusLink {
    return new BusLink(options);
  }

  current(): NatsConnection | undefined {
    return this.up ? this.nc : undefined;
  }

  connection(): NatsConnection {
    const nc = this.current();
    if (nc) return nc;
    throw new DomainError('unavailable', 'bus-unavailable', {}, 'NATS can\'t be reached just now. The service keeps trying; call again in a moment.');
  }

  /** `watcher` runs for the present connection, if any, and for every new one. A reconnect keeps subscriptions and is not a new one. */
  onConnection(watcher: (nc: NatsConnection) => void): void {
    this.watchers.add(watcher);
    if (this.nc) watcher(this.nc);
  }

  /** Resolves when the link is up; rejects as `unavailable` after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<NatsConnection> {
    const until = Date.now() + timeoutMs;
    while (!this.up && Date.now() < until && !this.closing) await pause(20, this.stopping.signal);
    return this.connection();
  }

  /** Sends what is buffered and closes. */
  async close(): Promise<void> {
    this.closing = true;
    const nc = this.nc;
    if (nc && !nc.isClosed()) await (this.up ? nc.drain() : nc.close());
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closing) {
      try {
        const nc = await connect(optionsOf(this.options));
        if (this.closing) {
          await nc.close();
          return;
        }
        this.nc = nc;
        this.change(true);
        for (const watcher of this.watchers) watcher(nc);
        await this.follow(nc);
      } catch (error) {
        this.report(error instanceof Error ? error : new Error('connecting failed'));
        await pause(RECONNECT_MS, this.stopping.signal);
      }
      this.change(false);
    }
  }

  private async follow(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === 'reconnect') this.change(true);
      else if (status.type === 'disconnect' || status.type === 'staleConnection' || status.type === 'close') this.change(false);
      else if (status.type === 'error') this.options.onChange?.({ kind: 'error', error: status.error });
    }
  }

  /** An outage of an hour is one report, not one per attempt. */
  private report(error: Error): void {
    if (error.message !== this.reported) this.options.onChange?.({ kind: 'error', error });
    this.reported = error.message;
  }

  private change(up: boolean): void {
    if (up) this.reported = undefined;
    if (up === this.up) return;
    this.up = up;
    this.options.onChange?.({ kind: up ? 'up' : 'down' });
  }
}

import { consumerNameOf, MAX_INSTANCES } from './subject.ts';

/** What of a service.yaml concerns the bus. */
export interface BusManifest {
  readonly service: string;
  /** Contexts whose logs it consumes. */
  readonly reads: readonly string[];
  /** Subjects it may send requests to; may end in `.>`. */
  readonly asks: readonly string[];
  /** Subjects it may answer; may end in `.>`. */
  readonly answers: readonly string[];
  /** Writes the EVT_ streams (backbone only). */
  readonly relay: boolean;
}

export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer a request it has been sent, and only that, once or within a minute. */
  readonly answersRequests: boolean;
}

const consumerGrants = ({ service, reads }: BusManifest): string[] => (reads.length === 0 ? [] : Array.from({ length: MAX_INSTANCES }, (_, instance) => consumerNameOf(service, instance)).flatMap((name) => [
  ...reads.map((context) => `$JS.API.CONSUMER.CREATE.*.${name}.evt.*.${context}.>`),
  `$JS.API.CONSUMER.MSG.NEXT.*.${name}`,
  `$JS.API.CONSUMER.INFO.*.${name}`,
  `$JS.API.CONSUMER.DELETE.*.${name}`,
]));

const RELAY_GRANTS = ['evt.>', '$JS.API.STREAM.CREATE.*', '$JS.API.STREAM.UPDATE.*', '$JS.API.STREAM.DELETE.*', '$JS.API.STREAM.INFO.*', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.MSG.GET.*'];

/**
 * Static lists for one service. What isn't listed is refused by the server: other contexts' subjects and consumers, consumers named otherwise,
 * STREAM.MSG.GET and DIRECT.GET (which would read past the context filter), other services' inboxes, and wildcards wider than these.
 *
 * The server looks at subjects, not at what a request to JetStream says, and all services share one account. So it can't refuse
 * - the relay a stream whose subjects, sources or republishing cover `_INBOX.>`, `cmd.>` or `query.>`: whoever has the relay's nkey can read
 *   and send everything on the bus. Data keys travel sealed to who asked for them, events' personal fields are sealed, and the log
 *   in Postgres stays out of reach;
 * - a consuming service a `deliver_subject` that is another's: events it may read itself, put where that one listens. Replies are told from
 *   them by subjects with a random part, which it can't listen for.
 */
export const natsPermissions = (manifest: BusManifest): NatsPermissions => ({
  publish: [...manifest.asks, ...consumerGrants(manifest), ...(manifest.relay ? RELAY_GRANTS : [])],
  // Answers are taken in a queue group named after the service; a plain subscription would let a second process listen in.
  subscribe: [`_INBOX.${manifest.service}.>`, ...manifest.answers.map((subject) => `${subject} ${manifest.service}`)],
  answersRequests: manifest.answers.length > 0,
});

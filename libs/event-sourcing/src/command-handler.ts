import { setTimeout as sleep } from 'node:timers/promises';
import { upcast, type EventData } from '@millrace/contracts';
import { DomainError, type Clock, type Context, type Decider, type DomainEvent, type Envelope, type LogKey, type Position, type StoredEvent, type Tenant, systemClock } from '@millrace/kernel';
import type { EventStore, EventToAppend } from '@millrace/event-store';
import { currentTraceparent, inSpan } from '@millrace/event-bus';

/** What a command's events are stored with; the rest of the envelope comes from the handler. */
export interface CommandMetadata {
  /** Name of the source or service that commanded it: what accounting is kept by. */
  readonly via: string;
  /** CloudEvents source of the events. */
  readonly source: string;
  /** Makes the events' ids (`<commandId>/<index>`), so that a command repeated after a lost answer is stored once. */
  readonly commandId: string;
  readonly time?: string;
  readonly subject?: string;
  readonly causationId?: string;
  readonly correlationId?: string;
}

export interface CommandHandlerOptions<State, Command, Event extends DomainEvent> {
  readonly decider: Decider<State, Command, Event>;
  readonly store: Pick<EventStore, 'readStream' | 'appendTo' | 'findEvents'>;
  /** Hex of 32 bytes over what the command means (ARCHITECTURE 1.5). */
  readonly fingerprint: (event: Event) => string;
  /** Parses a stored event's data, which comes in the newest version of its type; the type is the decider's own. */
  readonly fromStored: (type: string, version: number, data: unknown) => Event;
  /** Throws DomainError when a known command's first event isn't what this command of the same id means; what it lets pass is a repetition. */
  readonly refuseOther: (command: Command, first: Event) => void;
  readonly clock?: Clock;
  /** How often a command is tried while other writers of the stream are first; 20 unless told. */
  readonly maxAttempts?: number;
}

/** Whose stream it is; which of the context's logs it lives in is the store's to know. */
export interface StreamOwner {
  readonly tenant: Tenant;
  readonly context: Context;
}

export interface CommandOutcome<Event> {
  readonly events: readonly Event[];
  /** Stream version after the command. */
  readonly version: number;
  /** Of the last event, and the log it lies in; undefined when nothing was appended. */
  readonly position?: Position;
  readonly log?: LogKey;
  /** True when this very command had been stored before: `events` is then empty. */
  readonly duplicate: boolean;
}

const READ_LIMIT = 1000;
/** With the pauses between them they take a second or two: what a caller waits for anyway. */
const DEFAULT_ATTEMPTS = 20;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** Of random length, so that those who met once don't meet again, and longer the more of them there seem to be. */
const pauseAfter = (lost: number): Promise<void> => sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** lost));

/** Folds a stream into its state; pages, so that a long stream costs time and not memory. `found` is the event with the id asked for. */
export const loadStream = async <State, Command, Event extends DomainEvent>(options: Pick<CommandHandlerOptions<State, Command, Event>, 'decider' | 'store' | 'fromStored'>, tenant: Tenant, stream: string, id?: string): Promise<{ state: State; version: number; found?: Event }> => {
  let state = options.decider.initial;
  let version = 0;
  let found: Event | undefined;
  for (;;) {
    const page: readonly StoredEvent[] = await options.store.readStream(tenant, stream, version, READ_LIMIT);
    for (const { envelope, data, streamVersion } of page) {
      const current = upcast(envelope.type, envelope.version, JSON.parse(Buffer.from(data).toString('utf8')) as EventData);
      const event = options.fromStored(envelope.type, current.version, current.data);
      if (envelope.id === id) found = event;
      state = options.decider.evolve(state, event);
      version = streamVersion;
    }
    // A page may be short because its events are large: only an empty one is the end.
    if (page.length === 0) return { state, version, ...(found && { found }) };
  }
};

/**
 * The one command handler: loads the stream, decides, appends at the version read, and decides anew when another writer was first (bounded, then
 * DomainError `conflict`/`stream-contended`). Idempotent by `commandId`: a repeated command appends nothing; another command of the same id is what
 * `refuseOther` throws, or `conflict`/`command-id-reused` when the first was for another stream. What the decider throws passes.
 */
export const commandHandler = <State, Command, Event extends DomainEvent>(options: CommandHandlerOptions<State, Command, Event>) => {
  const clock = options.clock ?? systemClock;

  const envelopeOf = (tenant: Tenant, stream: string, event: Event, id: string, metadata: CommandMetadata): Omit<Envelope, 'recordedtime'> => {
    const now = clock.now().toISOString();
    const traceparent = currentTraceparent();
    return {
      specversion: '1.0', id, source: metadata.source, type: event.type, version: event.version, tenant, stream,
      time: metadata.time ?? now, receivedtime: now, via: metadata.via, fingerprint: options.fingerprint(event),
      ...(metadata.subject === undefined ? {} : { subject: metadata.subject }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(metadata.causationId === undefined ? {} : { causationid: metadata.causationId }),
      ...(metadata.correlationId === undefined ? {} : { correlationid: metadata.correlationId }),
    };
  };

  const attempt = async ({ tenant, context }: StreamOwner, stream: string, command: Command, metadata: CommandMetadata): Promise<CommandOutcome<Event> | 'lost-race'> => {
    const ids = (count: number) => Array.from({ length: count }, (_, index) => `${metadata.commandId}/${index}`);
    const [first = ''] = ids(1);
    const [known] = await options.store.findEvents(tenant, [first]);
    const { state, version, found } = await loadStream(options, tenant, stream, first);
    if (known) {
      if (!found) throw new DomainError('conflict', 'command-id-reused', {}, 'The command\'s id was used before for another command. Use a fresh id.');
      options.refuseOther(command, found);
      return { events: [], version, position: known.position, log: known.log, duplicate: true };
    }
    if (found) return 'lost-race';
    const events = options.decider.decide(command, state);
    if (events.length === 0) return { events, version, duplicate: false };
    const names = ids(events.length);
    const toAppend = events.map((event, index): EventToAppend => ({ envelope: envelopeOf(tenant, stream, event, names[index] ?? '', metadata), data: Buffer.from(JSON.stringify(event.data)) }));
    const outcomes = await options.store.appendTo(tenant, context, [{ stream, expectedVersion: version, events: toAppend }], { countAs: 'none' });
    const last = outcomes.at(-1);
    if (last?.kind === 'appended') return { events, version: last.streamVersion, position: last.position, log: last.log, duplicate: false };
    // Whoever was first, with another event or under this very id: the next look at the stream tells.
    return 'lost-race';
  };

  return (owner: StreamOwner, stream: string, command: Command, metadata: CommandMetadata): Promise<CommandOutcome<Event>> =>
    inSpan('handle command', { attributes: { 'millrace.context': owner.context } }, async () => {
      for (let tries = 0; tries < (options.maxAttempts ?? DEFAULT_ATTEMPTS); tries += 1) {
        const outcome = await attempt(owner, stream, command, metadata);
        if (outcome !== 'lost-race') return outcome;
        await pauseAfter(tries);
      }
      throw new DomainError('conflict', 'stream-contended', {}, 'Other writers kept changing the stream. Try again in a moment.');
    });
};

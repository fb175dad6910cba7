import { hash } from 'node:crypto';
import { checkStored, findContract, streamOf, type EventData } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import type { EventStore } from '@millrace/event-store';
import { commandHandler, loadStream } from '@millrace/event-sourcing';
import { fingerprintOf } from '@millrace/intake';
import { answerOf, refuseOtherReservation, stockDecider, type Stock, type StockAnswer, type StockCommand, type StockEvent } from './stock.decider.ts';

const SOURCE = 'urn:millrace:ingestion:inventory';
/** What accounting and the envelope call this writer. */
const VIA = 'inventory';

const contractOf = (type: string, version: number) => {
  const contract = findContract(type, version);
  if (!contract) throw new DomainError('invalid', 'contract-missing', { type, version }, `No contract for ${type} version ${version}: this build can't read its own stock.`);
  return contract;
};

const fromStored = (type: string, version: number, data: unknown): StockEvent => {
  const unfit = checkStored(contractOf(type, version), data);
  if (unfit) throw new DomainError('invalid', 'stored-event-unreadable', { type, version, pointer: unfit.pointer }, `A stored ${type} does not fit its contract: ${unfit.reason}.`);
  // Type and data were checked together by the contract of that type.
  return { type, version, data } as StockEvent;
};

const fingerprint = ({ type, version, data }: StockEvent): string =>
  fingerprintOf({ contract: contractOf(type, version), source: SOURCE, data: data as EventData }, undefined);

/**
 * A reservation id makes the command's, so that a repetition after a lost answer, or after its release, stores nothing. Hashed, because ids of 128
 * characters would not fit an event's, and as JSON, because they may hold what would part them. Reservations made before ids were hashed are known
 * by the state of their stream alone: while they are open, which is when they are asked for again.
 */
const commandIdOf = ({ kind, productId, reservationId }: StockCommand): string => `inventory/${kind}/${hash('sha256', JSON.stringify([productId, reservationId]), 'base64url')}`;

/** Giving back what is given back is a repetition, whatever the reason. */
const refuseOther = (command: StockCommand, first: StockEvent): void => {
  if (command.kind === 'reserve' && first.type === 'inventory.stock.reserved') refuseOtherReservation(command, first.data);
};

const streamName = ({ productId }: StockCommand): string => streamOf(contractOf('inventory.stock.reserved', 1), { productId });

/** Runs stock commands over the log of the product's stream: load, decide, append at the version read, retry when another was first. */
export class StockReservation {
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(private readonly store: EventStore) {}

  /** Answers refusal as data. DomainError `conflict` (`reservation-differs`, `stream-contended`), `unavailable`. */
  handle(tenant: string, command: StockCommand): Promise<StockAnswer> {
    const stream = streamName(command);
    return this.inTurn(JSON.stringify([tenant, stream]), () => this.run(tenant, stream, command));
  }

  private async run(tenant: string, stream: string, command: StockCommand): Promise<StockAnswer> {
    let after: Stock | undefined;
    const decider = {
      ...stockDecider,
      decide: (asked: StockCommand, stock: Stock): StockEvent[] => {
        const events = stockDecider.decide(asked, stock);
        after = events.reduce(stockDecider.evolve, stock);
        return events;
      },
    };
    const handle = commandHandler({ decider, store: this.store, fingerprint, fromStored, refuseOther });
    const { duplicate } = await handle({ tenant, context: 'inventory' }, stream, command, { via: VIA, source: SOURCE, commandId: commandIdOf(command), ...(command.kind === 'reserve' && command.orderId !== undefined ? { correlationId: command.orderId } : {}) });
    // A command stored before is not decided again: its answer is what the stream says now.
    if (duplicate || !after) after = (await loadStream({ decider: stockDecider, store: this.store, fromStored }, tenant, stream)).state;
    return answerOf(command, after);
  }

  /** One after the other per stream: commands that wait here would lose the race there, and load the stream again for each that won. */
  private async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.queues.get(name) ?? Promise.resolve()).then(work);
    const done = turn.catch(() => undefined);
    this.queues.set(name, done);
    try {
      return await turn;
    } finally {
      if (this.queues.get(name) === done) this.queues.delete(name);
    }
  }
}

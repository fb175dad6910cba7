import { checkData, findContract, streamOf, type EventData } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import type { EventStore } from '@millrace/event-store';
import { commandHandler, loadStream } from '@millrace/event-sourcing';
import { fingerprintOf } from '@millrace/intake';
import { answerOf, stockDecider, type Stock, type StockAnswer, type StockCommand, type StockEvent } from './stock.decider.ts';

const SOURCE = 'urn:millrace:ingestion:inventory';
/** What accounting and the envelope call this writer. */
const VIA = 'inventory';

const contractOf = (type: string, version: number) => {
  const contract = findContract(type, version);
  if (!contract) throw new DomainError('invalid', 'contract-missing', { type, version }, `No contract for ${type} version ${version}: this build can't read its own stock.`);
  return contract;
};

const fromStored = (type: string, version: number, data: unknown): StockEvent => {
  const checked = checkData(contractOf(type, version), data);
  if (!checked.ok) throw new DomainError('invalid', 'stored-event-unreadable', { type, version, pointer: checked.pointer }, `A stored ${type} does not fit its contract: ${checked.reason}.`);
  // Type and data were checked together by the contract of that type.
  return { type, version, data: checked.data } as StockEvent;
};

const fingerprint = ({ type, version, data }: StockEvent): string =>
  fingerprintOf({ contract: contractOf(type, version), source: SOURCE, data: data as EventData }, undefined);

/** `reserve/…`: a reservation id makes the command's, so that a repetition after a lost answer, or after its release, stores nothing. */
const commandIdOf = ({ kind, productId, reservationId }: StockCommand): string => `inventory/${kind}/${productId}/${reservationId}`;

const streamName = ({ productId }: StockCommand): string => streamOf(contractOf('inventory.stock.reserved', 1), { productId });

/** Runs stock commands over the log of the product's stream: load, decide, append at the version read, retry when another was first. */
export class StockReservation {
  constructor(private readonly store: EventStore) {}

  /** Answers refusal as data. DomainError `conflict` (`reservation-differs`, `stream-contended`), `unavailable`. */
  async handle(tenant: string, command: StockCommand): Promise<StockAnswer> {
    const stream = streamName(command);
    let after: Stock | undefined;
    const decider = {
      ...stockDecider,
      decide: (asked: StockCommand, stock: Stock): StockEvent[] => {
        const events = stockDecider.decide(asked, stock);
        after = events.reduce(stockDecider.evolve, stock);
        return events;
      },
    };
    const run = commandHandler({ decider, store: this.store, fingerprint, fromStored });
    const { duplicate } = await run({ tenant, context: 'inventory' }, stream, command, { via: VIA, source: SOURCE, commandId: commandIdOf(command), ...(command.kind === 'reserve' && command.orderId !== undefined ? { correlationId: command.orderId } : {}) });
    // A command stored before is not decided again: its answer is what the stream says now.
    if (duplicate || !after) after = (await loadStream({ decider: stockDecider, store: this.store, fromStored }, tenant, stream)).state;
    return answerOf(command, after);
  }
}

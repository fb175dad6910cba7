import { operationContracts } from './backbone/operation.contract.ts';
import { sessionContracts } from './clickstream/session.contract.ts';
import type { EventContract } from './contract.ts';
import { profileContracts } from './customer/profile.contract.ts';
import { stockContracts } from './inventory/stock.contract.ts';
import { productContracts } from './merchandise/product.contract.ts';
import { orderContracts } from './sales/order.contract.ts';
import { paymentContracts } from './sales/payment.contract.ts';
import { refundContracts } from './sales/refund.contract.ts';
import { auditContracts } from './security/audit.contract.ts';
import { redactionContracts } from './security/redaction.contract.ts';
import { upcasting, type Upcast } from './upcast.ts';

/** Every contract of the vocabulary, by context and aggregate. */
export const CONTRACTS: readonly EventContract[] = [
  ...orderContracts, ...paymentContracts, ...refundContracts, ...profileContracts, ...stockContracts, ...productContracts, ...sessionContracts, ...auditContracts,
  ...redactionContracts, ...operationContracts,
];

// Two levels instead of a joined key: no text is built per event.
const BY_TYPE = new Map<string, Map<number, EventContract>>();
for (const contract of CONTRACTS) {
  const versions = BY_TYPE.get(contract.type) ?? new Map<number, EventContract>();
  BY_TYPE.set(contract.type, versions.set(contract.version, contract));
}

/** The contract of a type and version; undefined when either is unknown (`knownVersions` tells which). */
export const findContract = (type: string, version: number): EventContract | undefined => BY_TYPE.get(type)?.get(version);

/** All event types of the vocabulary, sorted. */
export const knownTypes = (): readonly string[] => [...BY_TYPE.keys()].toSorted();

/** Versions of a type in ascending order; empty when the type is unknown. */
export const knownVersions = (type: string): readonly number[] => [...(BY_TYPE.get(type)?.keys() ?? [])].toSorted((a, b) => a - b);

/** Versions of a type end here; undefined when the type is unknown. */
export const newestContract = (type: string): EventContract | undefined => BY_TYPE.get(type)?.get(BY_TYPE.get(type)?.size ?? 0);

/** Stored data of any version read as the newest of its type: what every projection, loader and decider is given. See `upcasting`. */
export const upcast: Upcast = upcasting(CONTRACTS);

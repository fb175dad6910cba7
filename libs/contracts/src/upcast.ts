import { DomainError, isDomainError } from '@millrace/kernel';
import type { EventContract, EventData, Upcaster } from './contract.ts';
import { hideSealed, showSealed } from './sealed-field.ts';

/** Stored data as it is read: in the newest version of its type that this build knows. */
export interface CurrentData {
  readonly version: number;
  readonly data: EventData;
}

export type Upcast = (type: string, version: number, data: EventData) => CurrentData;

/**
 * Makes an upcaster of a function between two stored forms. `Old` is what the older contract's stored form guarantees (every replay of the
 * fixtures and of the past checks that it does), so the function is total over it; it must be pure and may carry sealed fields, never read them.
 */
export const upcaster = <Old, New extends EventData>(rule: (old: Old) => New): Upcaster => (old) => rule(old as Old);

const versionsOf = (contracts: readonly EventContract[]): ReadonlyMap<string, readonly EventContract[]> => {
  const byType = Map.groupBy(contracts, ({ type }) => type);
  for (const [type, versions] of byType) {
    versions.sort((a, b) => a.version - b.version);
    versions.forEach((contract, index) => {
      if (contract.version !== index + 1) throw new DomainError('invalid', 'contract-version-missing', { type, version: index + 1 }, `${type} has no version ${index + 1}: versions count from 1 and none is taken away, since events of each are stored.`);
      if ((index > 0) !== (contract.upcast !== undefined)) throw new DomainError('invalid', 'upcaster-missing', { type, version: contract.version }, `Every version of ${type} but the first tells how the one before becomes it; version ${contract.version} is wrong there.`);
    });
  }
  return byType;
};

const step = (contract: EventContract, data: EventData): EventData => {
  try {
    return contract.upcast!(data);
  } catch (error) {
    if (isDomainError(error)) throw error;
    // The error's own text may quote the data.
    throw new DomainError('invalid', 'upcast-failed', { type: contract.type, version: contract.version }, `Version ${contract.version - 1} of this ${contract.type} could not be read as version ${contract.version}: the stored data is not what that contract guarantees.`);
  }
};

/**
 * Composes the upcasters of a vocabulary, version by version, to the newest. Throws DomainError `contract-version-missing` or
 * `upcaster-missing` when a type's versions don't form a chain. The reader it answers is pure and doesn't change its input: types it doesn't
 * know and data of the newest version pass as they are; a version newer than all known is DomainError `version-unknown`, data that an
 * upcaster can't take `upcast-failed`. A sealed value keeps the path and type version it was sealed under, wherever it is moved.
 */
export const upcasting = (contracts: readonly EventContract[]): Upcast => {
  const byType = versionsOf(contracts);
  return (type, version, data) => {
    const versions = byType.get(type);
    if (versions === undefined || version === versions.length) return { version, data };
    if (!Number.isSafeInteger(version) || version < 1 || version > versions.length) {
      throw new DomainError('invalid', 'version-unknown', { type, version }, `Expected a version of ${type} from 1 to ${versions.length}, got ${version}: a newer build wrote it. Upgrade this one, then load the event again.`);
    }
    return { version: versions.length, data: showSealed(versions.slice(version).reduce((older, contract) => step(contract, older), hideSealed(data))) };
  };
};

import { isDomainError } from '@millrace/kernel';
import { checkData } from '../check-data.ts';
import type { EventContract, EventData } from '../contract.ts';
import { streamOf } from '../define-contract.ts';
import type { Fixture } from '../fixtures/fixture.ts';
import type { SchemaNode } from '../json-schema.ts';
import { checkStored, standInFor } from '../stored-form.ts';
import { upcasting, type Upcast } from '../upcast.ts';
import { differences, withoutField } from './field-difference.ts';
import { readersOf, type BreakRule, type ContractReader, type Finding } from './finding.ts';
import { schemaBreaks } from './schema-change.rule.ts';

/** A version of a type as it was when it was last released. */
export interface ReleasedContract {
  readonly type: string;
  readonly version: number;
  readonly subjectAt?: string;
  /** Stream of its frozen fixture in stored form. */
  readonly stream: string;
  readonly schema: SchemaNode;
}

/** A stored event as the check wants it; what stands for sealed values is not looked into. */
export interface PastEvent {
  readonly type: string;
  readonly version: number;
  /** Parsed; whatever isn't an object fits no contract. */
  readonly data: unknown;
}

/** What a vocabulary is checked with: contracts and their fixtures of today, what was released, and who reads what. */
export interface Vocabulary {
  readonly contracts: readonly EventContract[];
  readonly fixtures: readonly Fixture[];
  readonly released: readonly ReleasedContract[];
  readonly readers: readonly ContractReader[];
}

/**
 * Checks contracts against what was released, against their frozen fixtures, and against events of the past. Answers every finding, none when
 * all is compatible; throws only what `upcasting` throws of a vocabulary without a chain of versions. Pure and deterministic.
 */
export class VocabularyCheck {
  private readonly upcast: Upcast;
  private readonly byName: ReadonlyMap<string, EventContract>;

  constructor(private readonly vocabulary: Vocabulary) {
    this.upcast = upcasting(vocabulary.contracts);
    this.byName = new Map(vocabulary.contracts.map((contract) => [`${contract.type}@${contract.version}`, contract]));
  }

  /** Released contracts against those of today, and every frozen fixture through validators and upcasters. */
  run(): readonly Finding[] {
    return [...this.vocabulary.released.flatMap((released) => this.changes(released)), ...this.acrossVersions(), ...this.vocabulary.contracts.flatMap((contract) => this.replayFixture(contract))];
  }

  /** One event of the log; undefined when it fits its version and, upcast, the newest. Types outside the vocabulary are their owners' matter. */
  past({ type, version, data }: PastEvent): Finding | undefined {
    const contract = this.byName.get(`${type}@${version}`);
    if (contract === undefined) return this.newestOf(type) === undefined ? undefined : this.finding('contract-removed', type, version, '', 'the log holds events of this version, and no contract reads them. Bring it back.');
    const unfit = checkStored(contract, data);
    if (unfit) return this.finding('past-refused', type, version, generic(unfit.pointer), `a stored event does not fit its own version there: ${unfit.reason}.`);
    return this.replay(contract, data as EventData);
  }

  private finding(rule: BreakRule, type: string, version: number, pointer: string, says: string): Finding {
    return { rule, type, version, pointer, says: `${pointer === '' ? '' : `${pointer}: `}${says}`, breaks: this.breaks(type, version, pointer) };
  }

  /** Readers know a field by its place in the newest version: an older version's field is followed there through the upcasters. */
  private breaks(type: string, version: number, pointer: string): readonly string[] {
    const places = [pointer, ...this.placesToday(type, version, pointer)];
    return [...new Set(places.flatMap((place) => readersOf(this.vocabulary.readers, type, place)))].toSorted();
  }

  private placesToday(type: string, version: number, pointer: string): readonly string[] {
    const contract = this.byName.get(`${type}@${version}`);
    const fixture = contract && this.fixtureOf(contract);
    if (!fixture || pointer === '' || version === this.newestOf(type)?.version) return [];
    try {
      const stored = standInFor(contract, fixture.data);
      const [whole, lacking] = [stored, withoutField(stored, pointer)].map((data) => this.upcast(type, version, data).data);
      return differences(whole, lacking);
    } catch (error) {
      if (isDomainError(error)) return [];
      throw error;
    }
  }

  private newestOf(type: string): EventContract | undefined {
    return this.vocabulary.contracts.filter((contract) => contract.type === type).toSorted((a, b) => b.version - a.version)[0];
  }

  private fixtureOf({ type, version }: Pick<EventContract, 'type' | 'version'>): Fixture | undefined {
    return this.vocabulary.fixtures.find((fixture) => fixture.type === type && fixture.version === version);
  }

  private changes({ type, version, subjectAt, stream, schema }: ReleasedContract): readonly Finding[] {
    const contract = this.byName.get(`${type}@${version}`);
    if (contract === undefined) return [this.finding('contract-removed', type, version, '', 'the contract is gone: events of it are stored, and nothing would read them. Bring it back; versions are for ever.')];
    const found = schemaBreaks(schema, contract.jsonSchema as SchemaNode).map(({ rule, pointer, says }) => this.finding(rule, type, version, pointer, says));
    if (contract.subjectAt !== subjectAt) found.push(this.finding('subject-changed', type, version, subjectAt ?? '', `the person stands at ${contract.subjectAt ?? 'no place'}, was at ${subjectAt ?? 'no place'}: stored events have the reference there. Add the next version with an upcaster.`));
    const named = this.streamOfFixture(contract);
    if (named !== undefined && named !== stream) found.push(this.finding('stream-changed', type, version, '', `its fixture belongs to the stream ${named}, was ${stream}: one history would become two. Keep the stream, or make a new type.`));
    return found;
  }

  private streamOfFixture(contract: EventContract): string | undefined {
    const fixture = this.fixtureOf(contract);
    try {
      return fixture && streamOf(contract, standInFor(contract, fixture.data));
    } catch (error) {
      if (isDomainError(error)) return 'unnamed';
      throw error;
    }
  }

  /** An identifier that keeps its place from one version to the next keeps its meaning. */
  private acrossVersions(): readonly Finding[] {
    return this.vocabulary.contracts.flatMap((contract) => {
      const before = this.byName.get(`${contract.type}@${contract.version - 1}`);
      return (before?.protectedFields ?? []).flatMap(({ pointer, annotation }) => {
        const now = contract.protectedFields.find((field) => field.pointer === pointer)?.annotation;
        if (annotation.kind !== 'identifier' || now?.kind !== 'identifier' || now.identifier === annotation.identifier) return [];
        return [this.finding('identifier-changed', contract.type, contract.version, pointer, `it identifies a person as ${now.identifier}, in version ${before!.version} as ${annotation.identifier}: no upcaster can turn one into the other. Add a field, or a new type.`)];
      });
    });
  }

  private replayFixture(contract: EventContract): readonly Finding[] {
    const { type, version } = contract;
    const fixture = this.fixtureOf(contract);
    if (fixture === undefined) return [this.finding('fixture-missing', type, version, '', 'there is no frozen fixture of this version: nothing shows that its events can be read. Add one.')];
    const checked = checkData(contract, fixture.data);
    if (!checked.ok) return [this.finding('fixture-refused', type, version, generic(checked.pointer), `events as they were released are refused there: ${checked.reason}.`)];
    if (checked.dropped.length > 0) return [this.finding('fixture-refused', type, version, generic(checked.dropped[0]!), 'a field of events as they were released would be dropped unseen.')];
    const broken = this.replay(contract, standInFor(contract, fixture.data));
    return broken ? [broken] : [];
  }

  private replay(contract: EventContract, stored: EventData): Finding | undefined {
    const { type, version } = contract;
    const newest = this.newestOf(type)!;
    try {
      const { data } = this.upcast(type, version, stored);
      const unfit = checkStored(newest, data);
      if (unfit) return this.finding('upcast-refused', type, version, generic(unfit.pointer), `read as version ${newest.version}, an old event does not fit there: ${unfit.reason}. Let the upcaster give what the newest version asks for.`);
      if (streamOf(newest, data) !== streamOf(contract, stored)) return this.finding('stream-changed', type, version, '', `read as version ${newest.version}, an old event belongs to another stream: one history would become two.`);
      return undefined;
    } catch (error) {
      if (!isDomainError(error)) throw error;
      return this.finding('upcast-failed', type, version, '', error.message);
    }
  }
}

/** Indices of a pointer as the schema has them, for every element. */
const generic = (pointer: string): string => pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*');

/** What is frozen of a contract. Its fixture must exist: the stream's name is taken from it. */
export const releasedForm = (contract: EventContract, fixtures: readonly Fixture[]): ReleasedContract => {
  const { type, version, subjectAt, jsonSchema } = contract;
  const fixture = fixtures.find((each) => each.type === type && each.version === version);
  const stream = streamOf(contract, standInFor(contract, fixture?.data ?? {}));
  return { type, version, ...(subjectAt === undefined ? {} : { subjectAt }), stream, schema: jsonSchema as SchemaNode };
};

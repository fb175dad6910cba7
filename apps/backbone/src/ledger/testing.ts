import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgEventStore, PgLedgerStore, roleOf, type AppendUnit } from '@millrace/event-store';
import { systemClock, type LogKey } from '@millrace/kernel';
import { LOG_KEY_NAME, parseSignature, SigningKey, WITNESS_KEY_NAME } from '@millrace/ledger';
import { eventually, type TestDatabase } from '@millrace/testing';
import { PASSWORD } from '../testing.ts';
import { Witness } from '../witness/witness.ts';
import { WitnessState } from '../witness/witness-state.ts';
import { LeafMirror } from './leaf-mirror.ts';
import { LedgerKeeper } from './ledger-keeper.ts';
import type { LedgerStatus } from './log-ledger.ts';
import { WitnessClient, type WitnessReply } from './witness-client.ts';
import { formatWitnessRequest, type WitnessRequest } from '../witness/witness-request.ts';

// For specs only.

export const logKey = new SigningKey(LOG_KEY_NAME, 'log', Buffer.alloc(32, 1));
export const witnessKey = new SigningKey(WITNESS_KEY_NAME, 'witness', Buffer.alloc(32, 2));
export const strangerKey = new SigningKey(LOG_KEY_NAME, 'log', Buffer.alloc(32, 3));
export const trusted = { log: logKey.verifier, witness: witnessKey.verifier };

/** A witness in this process, asked as over HTTP; may be made to go away. */
export class NearWitness extends WitnessClient {
  isAway = false;

  constructor(readonly state: WitnessState) {
    super('http://127.0.0.1:9');
  }

  override async add(request: WitnessRequest): Promise<WitnessReply> {
    if (this.isAway) return { kind: 'away', reason: 'told to be' };
    const answer = await new Witness(this.state, witnessKey, [logKey.verifier], systemClock).add(formatWitnessRequest(request));
    if (answer.status === 200) return { kind: 'cosigned', signatures: [parseSignature(answer.signature.trimEnd())] };
    if (answer.status === 409) return { kind: 'other-size', size: answer.size };
    return { kind: answer.status === 422 ? 'inconsistent' : 'refused', reason: answer.reason };
  }

  override checkpoints(): Promise<string[] | undefined> {
    return Promise.resolve(this.isAway ? undefined : this.state.all().map(({ note }) => note));
  }
}

/** Stores, mirror and witness around one event database, and a keeper that is turned by hand. */
export class LedgerBench {
  private readonly opened: { close(): Promise<void> }[] = [];

  private constructor(readonly database: TestDatabase, readonly dir: string, readonly store: PgLedgerStore, readonly events: PgEventStore, readonly appender: PgEventStore, readonly witness: NearWitness) {
    this.opened.push(store, events, appender);
  }

  static async make(database: TestDatabase): Promise<LedgerBench> {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-ledger-'));
    const as = (service: string): string => database.urlAs(roleOf(service), PASSWORD);
    return new LedgerBench(
      database, dir, PgLedgerStore.connect({ url: as('backbone'), applicationName: 'spec' }), PgEventStore.connect({ url: as('backbone'), applicationName: 'spec', segmentsDir: join(dir, 'segments') }),
      PgEventStore.connect({ url: as('ingestion'), applicationName: 'spec' }), new NearWitness(await WitnessState.open(join(dir, 'witness'))),
    );
  }

  get mirror(): LeafMirror {
    return new LeafMirror(join(this.dir, 'leaves'));
  }

  keeper(key = logKey): LedgerKeeper {
    return new LedgerKeeper({ store: this.store, mirror: this.mirror, key, witness: { client: this.witness, keys: trusted }, heads: () => this.events.heads() });
  }

  append(log: LogKey, units: readonly AppendUnit[]): Promise<unknown> {
    return this.appender.append(log, units, { countAs: 'intake' });
  }

  /** Turns a new keeper until it has nothing more to do; tells where the log's tree stands. */
  async settle(log: LogKey, keeper = this.keeper()): Promise<LedgerStatus> {
    const heads = await this.events.heads();
    const head = heads.find((one) => one.tenant === log.tenant && one.context === log.context && one.shard === log.shard)?.position ?? 0;
    const find = (): LedgerStatus | undefined => keeper.status().find((one) => one.tenant === log.tenant && one.log === `${log.context}/${log.shard}`);
    return eventually('the tree has settled', async () => {
      await keeper.round();
      const status = find();
      return status && (status.state === 'diverged' || status.size === head) ? status : undefined;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((one) => one.close()));
    await rm(this.dir, { recursive: true, force: true });
  }
}

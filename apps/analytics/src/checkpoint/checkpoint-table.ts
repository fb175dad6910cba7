import type { CheckpointStore } from '@millrace/event-sourcing';
import { logName, type LogKey, type LogMark } from '@millrace/kernel';
import type { DataSource, EntityManager } from 'typeorm';

/** Checkpoints in this service's own database. A save never goes backwards within an epoch: a replayed batch leaves it where it is. */
export class CheckpointTable implements CheckpointStore<EntityManager> {
  constructor(private readonly database: DataSource) {}

  async load(log: LogKey): Promise<LogMark | undefined> {
    const [row] = await this.database.query<{ epoch: string; position: string; leaf: Buffer }[]>(
      'select epoch, position, leaf from checkpoint where tenant = $1 and log = $2', [log.tenant, logName(log)]);
    return row && { epoch: Number(row.epoch), position: Number(row.position), leaf: row.leaf };
  }

  async save(manager: EntityManager, log: LogKey, mark: LogMark): Promise<void> {
    await manager.query(
      `insert into checkpoint as c (tenant, log, epoch, position, leaf) values ($1, $2, $3, $4, $5)
       on conflict (tenant, log) do update set epoch = excluded.epoch, position = excluded.position, leaf = excluded.leaf, moved_at = now()
       where (excluded.epoch, excluded.position) >= (c.epoch, c.position)`,
      [log.tenant, logName(log), mark.epoch, mark.position, Buffer.from(mark.leaf)]);
  }
}

import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One key of a source. The key itself is shown once and kept nowhere; a source whose key is revoked may be given a new one. */
@Entity('source_key')
@Index('uq_source_key_active', ['tenant', 'name'], { unique: true, where: 'revoked_at is null' })
export class SourceKey {
  /** SHA-256 of the key: with 256 random bits there is nothing to guess, so no slow hash is needed. */
  @PrimaryColumn({ name: 'key_hash', type: 'bytea', primaryKeyConstraintName: 'pk_source_key' })
  keyHash!: Buffer;

  @Column({ type: 'text' })
  tenant!: string;

  @Column({ type: 'text' })
  name!: string;

  /** Null: every type its contexts allow. */
  @Column({ type: 'text', array: true, nullable: true })
  types!: string[] | null;

  @Column({ name: 'record_of', type: 'text', array: true })
  recordOf!: string[];

  @Column({ type: 'timestamptz', nullable: true })
  earliest!: Date | null;

  @Column({ name: 'latest_ahead_ms', type: 'integer', nullable: true })
  latestAheadMs!: number | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}

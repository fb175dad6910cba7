import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SourceKeys1763900000000 implements MigrationInterface {
  name = 'SourceKeys1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table source_key (
      key_hash bytea not null, tenant text not null, name text not null, types text[], record_of text[] not null,
      earliest timestamptz, latest_ahead_ms integer, created_at timestamptz not null, revoked_at timestamptz,
      constraint pk_source_key primary key (key_hash))`);
    await runner.query('create unique index uq_source_key_active on source_key (tenant, name) where revoked_at is null');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table source_key');
  }
}

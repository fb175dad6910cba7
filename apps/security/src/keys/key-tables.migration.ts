import type { MigrationInterface, QueryRunner } from 'typeorm';

// `on delete cascade`: deleting a subject's row takes its data keys and look-ups with it, which is what erasure will do.
const TABLES = [
  `create table tenant_key (
     tenant text primary key,
     wrapped bytea not null check (octet_length(wrapped) = 60),
     made_at timestamptz not null default now())`,
  `create table subject_key (
     tenant text not null, ref text not null,
     wrapped bytea not null check (octet_length(wrapped) = 60),
     made_at timestamptz not null default now(),
     primary key (tenant, ref))`,
  `create table data_key (
     tenant text not null, ref text not null, purpose text not null, epoch integer not null check (epoch > 0),
     wrapped bytea not null check (octet_length(wrapped) = 60),
     made_at timestamptz not null default now(),
     primary key (tenant, ref, purpose, epoch),
     constraint data_key_subject foreign key (tenant, ref) references subject_key on delete cascade)`,
  `create table identity_lookup (
     tenant text not null, kind text not null, mac bytea not null check (octet_length(mac) = 32),
     ref text not null,
     made_at timestamptz not null default now(),
     primary key (tenant, kind, mac),
     constraint identity_lookup_subject foreign key (tenant, ref) references subject_key on delete cascade)`,
  'create index identity_lookup_by_subject on identity_lookup (tenant, ref)',
];

/** Tables of the key database: wrapped keys and look-ups only, nothing that can be read without the root key. */
export class KeyTables1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of TABLES) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table identity_lookup, data_key, subject_key, tenant_key');
  }
}

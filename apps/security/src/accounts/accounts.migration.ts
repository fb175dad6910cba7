import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = [
  `create table account (
     id uuid not null constraint account_pkey primary key,
     name text not null, name_key text not null constraint account_name_key_unique unique,
     password_hash text not null, made_at timestamptz not null)`,
  `create table login_link (
     token_hash bytea not null constraint login_link_pkey primary key,
     made_at timestamptz not null, expires_at timestamptz not null, redeemed_at timestamptz)`,
  `create table session (
     token_hash bytea not null constraint session_pkey primary key,
     id uuid not null, account_id uuid not null, opened_at timestamptz not null, used_at timestamptz not null, expires_at timestamptz not null)`,
  'create index session_by_account on session (account_id)',
  `create table login_attempt (
     name_hash bytea not null constraint login_attempt_pkey primary key,
     attempts integer not null, window_ends_at timestamptz not null)`,
];

export class Accounts1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of TABLES) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table login_attempt, session, login_link, account');
  }
}

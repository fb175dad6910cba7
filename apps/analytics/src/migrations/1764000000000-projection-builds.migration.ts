import { BUILD_TABLES_DOWN, BUILD_TABLES_UP } from '@millrace/event-sourcing';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['order_fact', 'order_line_fact', 'hourly_sales', 'buyer'];
const SCHEMA = 'sales_facts_v1_b1';

/** What is there becomes build 1 of version 1: tables change their schema, nothing is copied, and the checkpoints keep their places. */
export class ProjectionBuilds1764000000000 implements MigrationInterface {
  name = 'ProjectionBuilds1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of BUILD_TABLES_UP) await runner.query(statement);
    await runner.query(`create schema ${SCHEMA}`);
    for (const table of TABLES) {
      await runner.query(`alter table public.${table} set schema ${SCHEMA}`);
      await runner.query(`create view public.${table} as select * from ${SCHEMA}.${table}`);
    }
    await runner.query(
      `insert into projection_build (projection, build, version, schema_name, state, activated_at, announced_at) values ('sales-facts', 1, 1, $1, 'active', now(), now())`, [SCHEMA]);
    for (const table of ['consumer_checkpoint', 'parked_event']) await runner.query(`update public.${table} set consumer = 'sales-facts@1' where consumer = 'analytics'`);
  }

  /** Back to the one build there was; builds made since are lost, their projections are replayed by the release that goes back. */
  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await runner.query(`drop view public.${table}`);
      await runner.query(`alter table ${SCHEMA}.${table} set schema public`);
    }
    await runner.query(`drop schema ${SCHEMA}`);
    for (const table of ['consumer_checkpoint', 'parked_event']) await runner.query(`update public.${table} set consumer = 'analytics' where consumer = 'sales-facts@1'`);
    for (const statement of BUILD_TABLES_DOWN) await runner.query(statement);
  }
}

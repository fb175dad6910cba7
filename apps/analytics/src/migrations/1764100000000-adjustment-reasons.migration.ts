import type { MigrationInterface, QueryRunner } from 'typeorm';

const SHOWN = ['order_fact', 'order_line_fact'];

const schemasOf = async (runner: QueryRunner, condition = 'true'): Promise<string[]> => {
  const rows: unknown = await runner.query(`select schema_name from public.projection_build where projection = 'sales-facts' and ${condition}`);
  return Array.isArray(rows) ? rows.map((row: { schema_name: string }) => row.schema_name) : [];
};

const showActive = async (runner: QueryRunner): Promise<void> => {
  for (const schema of await schemasOf(runner, `state = 'active'`)) {
    for (const table of SHOWN) await runner.query(`create or replace view public.${table} as select * from ${schema}.${table}`);
  }
};

/** What is there is without reasons, as they were not kept, until a rebuild has read the events again. */
const widen = async (runner: QueryRunner, schema: string): Promise<void> => {
  const lines = `${schema}.order_line_fact`;
  await runner.query(`alter table ${schema}.order_fact add column reason text`);
  // A default alone rewrites nothing; few lines repeat a product.
  await runner.query(`alter table ${lines} add column reason text, add column first_of_product boolean not null default true`);
  await runner.query(
    `update ${lines} l set first_of_product = false
     from (select tenant, log, position, line_no, row_number() over (partition by tenant, log, position, product_id order by line_no) as turn from ${lines}) n
     where n.turn > 1 and (n.tenant, n.log, n.position, n.line_no) = (l.tenant, l.log, l.position, l.line_no)`);
  await runner.query(`alter table ${lines} alter column first_of_product drop default`);
};

/** Version 2 of the sales facts keeps reasons. A build that has applied nothing becomes one; another stays of version 1 until a rebuild and a switch. */
export class AdjustmentReasons1764100000000 implements MigrationInterface {
  name = 'AdjustmentReasons1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const schema of await schemasOf(runner)) await widen(runner, schema);
    await showActive(runner);
    await runner.query(
      `update public.projection_build b set version = 2 where projection = 'sales-facts'
       and not exists (select from public.consumer_checkpoint c where c.consumer = b.projection || '@' || b.build and c.position > 0)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of SHOWN) await runner.query(`drop view public.${table}`);
    for (const schema of await schemasOf(runner)) {
      await runner.query(`alter table ${schema}.order_fact drop column reason`);
      await runner.query(`alter table ${schema}.order_line_fact drop column reason, drop column first_of_product`);
    }
    await showActive(runner);
    await runner.query(`update public.projection_build set version = 1 where projection = 'sales-facts'`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A link may be for an account that exists: its holder chooses a new password instead of making another account. */
export class LoginLinkAccount1764600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table login_link add column account_id uuid');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table login_link drop column account_id');
  }
}

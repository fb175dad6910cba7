import { Module } from '@nestjs/common';
import type { Clock } from '@millrace/kernel';
import { CLOCK, Closing, CONFIG, Readiness } from '@millrace/service-kit';
import { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log.ts';
import { AuditModule } from '../audit/audit.module.ts';
import type { SecurityConfig } from '../security.config.ts';
import { openAccountsDatabase } from './accounts-database.ts';
import { Accounts } from './accounts.ts';
import { LoginAttempts } from './login-attempts.ts';
import { LoginLinkController } from './login-link.controller.ts';
import { SessionController } from './session.controller.ts';
import { Sessions } from './sessions.ts';

const openDatabase = async (config: SecurityConfig, closing: Closing, readiness: Readiness): Promise<DataSource> => {
  const database = await openAccountsDatabase(config.databaseUrl);
  closing.add('account database', () => database.destroy());
  readiness.add('accounts', () => database.query('select 1'));
  return database;
};

/** Who may use the console: one-time links, accounts, sessions. */
@Module({
  imports: [AuditModule],
  controllers: [LoginLinkController, SessionController],
  providers: [
    { provide: DataSource, useFactory: openDatabase, inject: [CONFIG, Closing, Readiness] },
    { provide: Accounts, useFactory: (database: DataSource, audit: AuditLog, clock: Clock) => new Accounts(database, audit, clock), inject: [DataSource, AuditLog, CLOCK] },
    {
      provide: Sessions,
      useFactory: (database: DataSource, audit: AuditLog, clock: Clock) => new Sessions(database, new LoginAttempts(database, clock), audit, clock),
      inject: [DataSource, AuditLog, CLOCK],
    },
  ],
})
export class AccountsModule {}

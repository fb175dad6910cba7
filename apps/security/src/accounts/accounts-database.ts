import { DataSource } from 'typeorm';
import { Account } from './account.entity.ts';
import { Accounts1763900000000 } from './accounts.migration.ts';
import { LoginAttempt } from './login-attempt.entity.ts';
import { LoginLinkAccount1764600000000 } from './login-link-account.migration.ts';
import { LoginLink } from './login-link.entity.ts';
import { Session } from './session.entity.ts';

/** Opens the read-model database with accounts, sessions and login links and brings its tables up to date. */
export const openAccountsDatabase = async (url: string): Promise<DataSource> => {
  const database = await new DataSource({
    type: 'postgres', url, entities: [Account, LoginLink, Session, LoginAttempt], migrations: [Accounts1763900000000, LoginLinkAccount1764600000000],
    synchronize: false, migrationsRun: false, logging: false, installExtensions: false, uuidExtension: 'pgcrypto', applicationName: 'security',
    extra: { max: 5, connectionTimeoutMillis: 5_000, statement_timeout: 4_000 },
  }).initialize();
  await database.runMigrations({ transaction: 'all' });
  return database;
};

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startPostgresServer, type PostgresServer } from '@millrace/embedded';
import { archiveSettings } from '../backup/wal-archive.ts';
import { basesIn } from '../backup/base-backup.ts';
import { readManifest } from '../backup/manifest.ts';
import { postgresPassword } from '../home/secret.ts';
import { portPlan } from '../provision/port-plan.ts';
import { withAdmin } from '../provision/databases.ts';
import { scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';

const folder = scratchFolder();
const [events, keys] = [join(folder.path, 'backup'), join(folder.path, 'elsewhere', 'keys')];
let platform: StandInPlatform;
const servers: PostgresServer[] = [];
beforeAll(async () => {
  platform = await standInPlatform(folder.path);
  const { home, base } = platform;
  for (const name of ['events', 'keys'] as const) {
    servers.push(await startPostgresServer({ dataDir: home.path('postgres', name), superuserPassword: postgresPassword(home, `superuser-${name}`), port: portPlan(base)[`postgres-${name}`], settings: archiveSettings(home, name) }));
  }
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await platform.close();
  folder.remove();
});

const secretsIn = (dir: string): string[] => readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(postgresPassword(platform.home, 'superuser-events'))).map(({ name }) => name);

describe('millrace backup', () => {
  it('copies events and keys, each to a folder of its own, and no secret with them', async () => {
    const run = await platform.run('backup', events, '--keys', keys, '--json');
    expect(run.error).toBeUndefined();
    const { backups } = JSON.parse(run.out.join('')) as { backups: { of: string; folder: string; files: number; manifestSha256: string }[] };
    expect(backups.map(({ of, folder: at }) => [of, at])).toEqual([['events', (await basesIn(events))[0]], ['keys', (await basesIn(keys))[0]]]);
    for (const { manifestSha256, files } of backups) expect([manifestSha256, files > 500]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), true]);
    expect(readManifest(backups[0]!.folder).systemIdentifier).not.toBe(readManifest(backups[1]!.folder).systemIdentifier);
    expect(secretsIn(events)).toEqual([]);
  }, 240_000);

  it.each([['the same folder', '.'], ['one inside', 'keys'], ['one around', '..']])('refuses to put the keys in %s', async (_, where) => {
    const before = await basesIn(events);
    expect(await platform.run('backup', events, '--keys', join(events, where))).toMatchObject({ failed: true, error: expect.stringContaining('the keys must not be in the events\' backup') });
    expect(await basesIn(events)).toEqual(before);
  });

  it('removes copies of the keys after 35 days, and never of events', async () => {
    for (const dir of [events, keys]) {
      const [base] = await basesIn(dir);
      const old = join(dir, 'base-20260101T000000Z');
      renameSync(base!, old);
      writeFileSync(join(old, 'manifest.json'), JSON.stringify({ ...readManifest(old), stoppedAt: new Date(Date.now() - 36 * 86_400_000).toISOString() }));
    }
    const run = await platform.run('backup', events, '--keys', keys);
    expect(run.out.join('\n')).toContain('removed, older than 35 days: base-20260101T000000Z');
    expect((await basesIn(events)).map((base) => basename(base))).toEqual(['base-20260101T000000Z', expect.stringMatching(/^base-\d{8}T\d{6}Z$/)]);
    expect(await basesIn(keys)).toHaveLength(1);
    expect(existsSync(join(keys, 'base-20260101T000000Z'))).toBe(false);
  }, 240_000);

  it('leaves nothing behind when it can\'t be finished, and tidies up after one that was cut off', async () => {
    const blocked = join(folder.path, 'blocked');
    writeFileSync(blocked, '');
    expect(await platform.run('backup', blocked)).toMatchObject({ failed: true });
    await withAdmin(`postgres://postgres:${postgresPassword(platform.home, 'superuser-events')}@127.0.0.1:${portPlan(platform.base)['postgres-events']}/postgres`, async (client) => {
      expect((await client.query('select pg_is_in_recovery() as recovery')).rows).toEqual([{ recovery: false }]);
    });
    renameSync((await basesIn(events)).at(-1)!, join(events, 'base-20260202T000000Z.partial'));
    expect((await platform.run('backup', events)).error).toBeUndefined();
    expect(readdirSync(events).filter((name) => name.endsWith('.partial'))).toEqual([]);
  }, 240_000);
});

describe('millrace restore', () => {
  it('is refused while the platform runs from that folder', async () => {
    expect(await platform.run('restore', events)).toMatchObject({ failed: true, error: expect.stringContaining('already running') });
  });

  it.each([[['--to', 'yesterday'], '--to wants latest'], [['--of', 'reads'], '--of wants events or keys']])('refuses %j', async (options, why) => {
    expect(await platform.run('restore', events, ...options)).toMatchObject({ failed: true, error: expect.stringContaining(why) });
  });
});

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { APPS, ensureRoles, MIGRATIONS } from './testing.ts';

const ROOT = join(APPS, '..');

/** `node dist/migrate.js`, run from source. It gets no environment but this. */
const migrate = (env: Record<string, string>): Promise<{ code: number | string | null | undefined; stdout: string; stderr: string }> => new Promise((resolve) => {
  const args = ['--conditions=source', '--import', './tools/swc-hook.mjs', 'apps/backbone/src/migrate.ts'];
  const child = execFile(process.execPath, args, { cwd: ROOT, env, timeout: 50_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : child.exitCode, stdout, stderr }));
});

let database: TestDatabase;
let dir: string;
beforeAll(async () => {
  database = await freshDatabase();
  dir = await mkdtemp(join(tmpdir(), 'millrace-migrate-'));
  await ensureRoles(database.url);
});
afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true });
});

describe('the migration as a process', () => {
  it('prints one line, exits 0, and does so again', async () => {
    expect(await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.url })).toEqual({ code: 0, stdout: `event database ready: ${MIGRATIONS} migrations ran, grants of 5 services are in place\n`, stderr: '' });
    expect(await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.url, MILLRACE_MANIFESTS_DIR: APPS })).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 migrations ran') });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no address', {}, /MILLRACE_EVENTS_ADMIN_URL: is not set/],
    ['an address of something else', { MILLRACE_EVENTS_ADMIN_URL: 'http://hush:hush@127.0.0.1/events' }, /MILLRACE_EVENTS_ADMIN_URL: expected an address like postgres:/],
    ['nobody there', { MILLRACE_EVENTS_ADMIN_URL: 'postgres://admin:hush@127.0.0.1:1/events' }, /ECONNREFUSED/],
    ['a name with several addresses, none of which answers', { MILLRACE_EVENTS_ADMIN_URL: 'postgres://admin:hush@localhost:1/events' }, /ECONNREFUSED/],
  ])('with %s exits 1 and says why in one line', async (_, env, why) => {
    const { code, stdout, stderr } = await migrate(env);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^backbone migrate: [^\n]+\n$/);
    expect(stderr).toMatch(why);
    expect(stderr).not.toContain('hush');
  });

  it('with a wrong password exits 1 without repeating it', async () => {
    const { code, stderr } = await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.urlAs('postgres', 'hush-hush') });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^backbone migrate: password authentication failed[^\n]*\n$/)]);
    expect(stderr).not.toContain('hush');
  });

  it('with a role that may not make what is missing exits 1', async () => {
    const other = await freshDatabase();
    const { code, stderr } = await migrate({ MILLRACE_EVENTS_ADMIN_URL: other.urlAs('millrace_ingestion', 'for-this-run') });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^backbone migrate: permission denied[^\n]*\n$/)]);
    await other.drop();
  });

  it('with manifests that are missing or wrong exits 1 and changes no right', async () => {
    const rights = async (): Promise<unknown> => withClient(database.url, async (client) => (await client.query('select * from millrace.append_grant order by role, context')).rows);
    const before = await rights();
    expect(await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.url, MILLRACE_MANIFESTS_DIR: join(dir, 'nowhere') })).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') });
    await mkdir(join(dir, 'odd'));
    await writeFile(join(dir, 'odd', 'service.yaml'), 'service: odd\nappends: [everything]\n');
    expect(await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.url, MILLRACE_MANIFESTS_DIR: dir })).toMatchObject({ code: 1, stderr: expect.stringContaining('/appends/0') });
    await mkdir(join(dir, 'empty'));
    expect(await migrate({ MILLRACE_EVENTS_ADMIN_URL: database.url, MILLRACE_MANIFESTS_DIR: join(dir, 'empty') })).toMatchObject({ code: 1, stderr: expect.stringContaining('no service.yaml') });
    expect(await rights()).toEqual(before);
  });
});

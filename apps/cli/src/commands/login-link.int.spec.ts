import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();
const EXPIRES = '2026-03-01T08:15:00.000Z';

describe('millrace login-link', () => {
  it('prints a link for a new account', async () => {
    platform.on('security', 'POST /v1/login-links', { status: 201, json: { token: 'tok_1', expiresAt: EXPIRES } });
    expect((await platform.run('login-link')).out).toEqual([`http://127.0.0.1:${platform.base}/login?token=tok_1\nvalid once, until ${EXPIRES}`]);
    expect(platform.heard.map(({ body }) => body)).toEqual([{}]);
  });

  it('prints with --reset a link for a new password of the account named', async () => {
    platform.on('security', 'POST /v1/login-links', { status: 201, json: { token: 'tok_2', expiresAt: EXPIRES, account: 'Ada Lovelace' } });
    const { out } = await platform.run('login-link', '--reset', 'ada lovelace', '--json');
    expect(JSON.parse(out.join(''))).toEqual({ url: `http://127.0.0.1:${platform.base}/login?token=tok_2&account=Ada+Lovelace`, expiresAt: EXPIRES });
    expect(platform.heard.map(({ body }) => body)).toEqual([{ account: 'ada lovelace' }]);
  });

  it('says what security says of a name nobody has', async () => {
    platform.on('security', 'POST /v1/login-links', { status: 404, json: { code: 'account-unknown', detail: 'There is no account of this name.' } });
    expect(await platform.run('login-link', '--reset', 'nobody')).toMatchObject({ failed: true, error: expect.stringContaining('There is no account of this name.') });
  });
});

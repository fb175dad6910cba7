import { describe, expect, it } from '@jest/globals';
import { endedCookie, sessionCookie, sessionOf } from './session-cookie.ts';

const session = 'abcDEF0123456789_-abcDEF';

describe('the session cookie', () => {
  it('comes back from what was set', () => {
    const [pair] = sessionCookie(session, false).split(';');
    expect(sessionOf(pair)).toBe(session);
    expect(sessionOf(`other=1; ${pair}; more=2`)).toBe(session);
  });

  it('can\'t be read by scripts nor sent by other sites', () => {
    expect(sessionCookie(session, false)).toContain('; HttpOnly; SameSite=Strict');
    expect(sessionCookie(session, false)).not.toContain('Secure');
    expect(sessionCookie(session, true)).toContain('; Secure');
  });

  it.each([undefined, '', 'millrace_session=', 'millrace_session=short', `xmillrace_session=${session}`, `millrace_session=${session}"<script>`, `millrace_session=${'a'.repeat(201)}`])('is absent in %j', (header) => {
    expect(sessionOf(header)).toBeUndefined();
  });

  it('ends at once when logged out', () => {
    expect(endedCookie(true)).toContain('Max-Age=0');
    expect(sessionOf(endedCookie(true))).toBeUndefined();
  });
});

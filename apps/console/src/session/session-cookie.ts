const NAME = 'millrace_session';

/** The session in a Cookie header; undefined when there is none or it isn't of our form. */
export const sessionOf = (cookieHeader: string | undefined): string | undefined => {
  for (const part of (cookieHeader ?? '').split(';')) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    if (name === NAME && /^[A-Za-z0-9_-]{20,200}$/.test(value)) return value;
  }
  return undefined;
};

/** Scripts can't read it and other sites can't send it. */
export const sessionCookie = (session: string, secure: boolean): string => `${NAME}=${session}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

export const endedCookie = (secure: boolean): string => `${sessionCookie('', secure)}; Max-Age=0`;

import { useState, type SubmitEvent } from 'react';
import { call, Problem } from '../problem.ts';

export interface Visitor {
  readonly name: string;
}

const MIN_PASSWORD = 12;

/** Log in, or with a one-time token choose name and password of the first user. */
export const Login = ({ token, onEntered }: { readonly token?: string; readonly onEntered: (visitor: Visitor) => void }) => {
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const first = token !== undefined;
  const enter = async (form: FormData): Promise<void> => {
    const text = (field: string): string => { const value = form.get(field); return typeof value === 'string' ? value : ''; };
    const credentials = { name: text('name'), password: text('password') };
    if (first && credentials.password !== text('again')) throw new Problem(0, 'passwords-differ', 'The two passwords differ. Type the same one twice.');
    onEntered(await call<Visitor>(first ? '/api/first-login' : '/api/session', { method: 'POST', body: first ? { ...credentials, token } : credentials }));
  };
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    enter(new FormData(event.currentTarget))
      .catch((error: unknown) => setProblem(error instanceof Problem ? error : new Problem(0, 'unexpected', 'Something went wrong. Try again.')))
      .finally(() => setBusy(false));
  };
  return (
    <main className="login" id="content">
      <h1>{first ? 'Welcome to Millrace' : 'Log in to Millrace'}</h1>
      {first && <p>Choose the name and password of the first user. The link that brought you here works once.</p>}
      <form onSubmit={submit}>
        <label htmlFor="name">Name</label>
        <input id="name" name="name" autoComplete="username" required maxLength={100} autoFocus />
        <label htmlFor="password">Password{first && ` (at least ${MIN_PASSWORD} characters)`}</label>
        <input id="password" name="password" type="password" autoComplete={first ? 'new-password' : 'current-password'} required minLength={first ? MIN_PASSWORD : 1} maxLength={1000} />
        {first && <><label htmlFor="again">Password again</label><input id="again" name="again" type="password" autoComplete="new-password" required /></>}
        <button type="submit" disabled={busy}>{first ? 'Create user and log in' : 'Log in'}</button>
      </form>
      {problem && <p className="failed" role="alert">{problem.message}</p>}
      {!first && <p className="quiet">Lost the password? Run <code>npx millrace login-link</code> on the machine for a new one-time link.</p>}
    </main>
  );
};

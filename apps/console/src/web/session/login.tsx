import { useState, type SubmitEvent } from 'react';
import { usePageTitle } from '../page.tsx';
import { call, Problem } from '../problem.ts';
import { credentialFaults, NAME_LENGTH, NAME_PATTERN, PASSWORD_LENGTH, type CredentialFaults, type CredentialField } from './credential-faults.ts';

export interface Visitor {
  readonly name: string;
}

/** A one-time link: to make an account, or to choose a new password for the one it names. */
export interface LoginLink {
  readonly token: string;
  readonly account?: string;
}

interface Wording { readonly heading: string; readonly about?: string; readonly button: string }

const wordingOf = (link: LoginLink | undefined): Wording => {
  if (link === undefined) return { heading: 'Log in to Millrace', button: 'Log in' };
  const once = 'The link that brought you here works once.';
  return link.account === undefined
    ? { heading: 'Welcome to Millrace', about: `Choose your name and a password. ${once}`, button: 'Create user and log in' }
    : { heading: 'Choose a new password', about: `The old one is replaced, and every session of ${link.account} ends. ${once}`, button: 'Set password and log in' };
};

const enter = async (form: FormData, link: LoginLink | undefined): Promise<Visitor> => {
  const text = (field: string): string => { const value = form.get(field); return typeof value === 'string' ? value : ''; };
  const credentials = { name: text('name'), password: text('password') };
  if (link === undefined) return call<Visitor>('/api/session', { method: 'POST', body: credentials });
  if (credentials.password !== text('again')) throw new Problem(0, 'passwords-differ', 'The two passwords differ. Type the same one twice.');
  return call<Visitor>('/api/first-login', { method: 'POST', body: { ...credentials, token: link.token } });
};

const Fault = ({ field, text }: { readonly field: CredentialField; readonly text: string | undefined }) => text !== undefined && <p className="failed" id={`${field}-fault`} role="alert">{text}</p>;

const Fields = ({ link, faults }: { readonly link: LoginLink | undefined; readonly faults: CredentialFaults | undefined }) => {
  const at = (field: CredentialField): object => (faults?.fields[field] === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': `${field}-fault` });
  const chosen = link !== undefined;
  return (
    <>
      <label htmlFor="name">Name</label>
      <input id="name" name="name" autoComplete="username" required maxLength={NAME_LENGTH} pattern={NAME_PATTERN} title="A name, not only spaces" {...(link?.account === undefined ? { autoFocus: true } : { readOnly: true, defaultValue: link.account })} {...at('name')} />
      <Fault field="name" text={faults?.fields.name} />
      <label htmlFor="password">Password{chosen && ` (at least ${PASSWORD_LENGTH.min} characters)`}</label>
      <input id="password" name="password" type="password" autoComplete={chosen ? 'new-password' : 'current-password'} required autoFocus={link?.account !== undefined} minLength={chosen ? PASSWORD_LENGTH.min : 1} maxLength={PASSWORD_LENGTH.max} {...at('password')} />
      <Fault field="password" text={faults?.fields.password} />
      {chosen && <><label htmlFor="again">Password again</label><input id="again" name="again" type="password" autoComplete="new-password" required maxLength={PASSWORD_LENGTH.max} /></>}
    </>
  );
};

/** Log in, or with a one-time link choose a name and password, or a new password. */
export const Login = ({ link, hasEnded = false, onEntered }: { readonly link?: LoginLink; readonly hasEnded?: boolean; readonly onEntered: (visitor: Visitor) => void }) => {
  const [faults, setFaults] = useState<CredentialFaults>();
  const [busy, setBusy] = useState(false);
  usePageTitle('Log in');
  const { heading, about, button } = wordingOf(link);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setBusy(true);
    setFaults(undefined);
    enter(new FormData(event.currentTarget), link)
      .then(onEntered)
      .catch((error: unknown) => setFaults(error instanceof Problem ? credentialFaults(error) : { fields: {}, whole: 'Something went wrong. Try again.' }))
      .finally(() => setBusy(false));
  };
  return (
    <main className="login" id="content">
      <h1>{heading}</h1>
      {hasEnded && <p role="status">Your session has ended. Log in to go on where you were.</p>}
      {about !== undefined && <p>{about}</p>}
      <form onSubmit={submit}>
        <Fields link={link} faults={faults} />
        <button type="submit" disabled={busy}>{button}</button>
      </form>
      {faults?.whole !== undefined && <p className="failed" role="alert">{faults.whole}</p>}
      {!link && <p className="quiet">Lost the password, or too many wrong ones? Run <code>npx millrace login-link --reset &lt;name&gt;</code> on the machine for a one-time link.</p>}
    </main>
  );
};

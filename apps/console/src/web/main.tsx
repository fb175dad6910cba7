import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { call, onSessionEnd, Problem } from './problem.ts';
import { navigate, useRoute } from './route.ts';
import { Login, type Visitor } from './session/login.tsx';
import { Failed, Loading } from './states.tsx';
import './style.css';
import { Workspace } from './workspace.tsx';

type Session = { readonly kind: 'asking' } | { readonly kind: 'out'; readonly ended: boolean } | { readonly kind: 'in'; readonly visitor: Visitor } | { readonly kind: 'failed'; readonly problem: Problem };

const askSession = (set: (session: Session) => void): void => {
  call<Visitor>('/api/session')
    .then((visitor) => set({ kind: 'in', visitor }))
    .catch((error: unknown) => set(error instanceof Problem && error.status !== 401 ? { kind: 'failed', problem: error } : { kind: 'out', ended: false }));
};

const isLoginPage = (path: string): boolean => path === '/login' || path === '/first-login';

const App = () => {
  const { path, query } = useRoute();
  const [session, setSession] = useState<Session>({ kind: 'asking' });
  useEffect(() => askSession(setSession), []);
  // The address stays as it is: logging in again leads back to where the visitor was.
  useEffect(() => onSessionEnd(() => setSession((before) => (before.kind === 'in' ? { kind: 'out', ended: true } : before))), []);
  const link = isLoginPage(path) ? query.get('token') : null;
  const entered = (visitor: Visitor): void => { setSession({ kind: 'in', visitor }); if (isLoginPage(path)) navigate('/'); };
  if (link !== null && session.kind !== 'asking') return <Login link={{ token: link, account: query.get('account') ?? undefined }} onEntered={entered} />;
  if (session.kind === 'asking') return <main id="content"><h1>Millrace</h1><Loading what="your session" /></main>;
  if (session.kind === 'failed') return <main id="content"><h1>Millrace</h1><Failed problem={session.problem} onRetry={() => askSession(setSession)} /></main>;
  if (session.kind === 'out') return <Login hasEnded={session.ended} onEntered={entered} />;
  return <Workspace visitor={session.visitor} onLeft={() => setSession({ kind: 'out', ended: false })} />;
};

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(<StrictMode><App /></StrictMode>);

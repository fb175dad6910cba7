import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Explorer } from './explorer/explorer.tsx';
import { Overview } from './overview/overview.tsx';
import { call, Problem } from './problem.ts';
import { navigate, useRoute } from './route.ts';
import { Login, type Visitor } from './session/login.tsx';
import { Shell } from './shell.tsx';
import { Failed, Loading } from './states.tsx';
import { System } from './system/system.tsx';
import './style.css';

type Session = { readonly kind: 'asking' } | { readonly kind: 'out' } | { readonly kind: 'in'; readonly visitor: Visitor } | { readonly kind: 'failed'; readonly problem: Problem };

const askSession = (set: (session: Session) => void): void => {
  call<Visitor>('/api/session')
    .then((visitor) => set({ kind: 'in', visitor }))
    .catch((error: unknown) => set(error instanceof Problem && error.status !== 401 ? { kind: 'failed', problem: error } : { kind: 'out' }));
};

const Page = ({ path, tenant, query }: { readonly path: string; readonly tenant: string; readonly query: URLSearchParams }) => {
  if (path === '/explorer') return <Explorer tenant={tenant} query={query} />;
  if (path === '/system') return <System tenant={tenant} />;
  return <Overview key={tenant} tenant={tenant} />;
};

const App = () => {
  const { path, query } = useRoute();
  const [session, setSession] = useState<Session>({ kind: 'asking' });
  useEffect(() => askSession(setSession), []);
  const token = path === '/login' || path === '/first-login' ? query.get('token') ?? undefined : undefined;
  const entered = (visitor: Visitor): void => { setSession({ kind: 'in', visitor }); if (path !== '/explorer' && path !== '/system') navigate('/'); };
  if (token !== undefined && session.kind !== 'asking') return <Login token={token} onEntered={entered} />;
  if (session.kind === 'asking') return <main id="content"><Loading what="your session" /></main>;
  if (session.kind === 'failed') return <main id="content"><Failed problem={session.problem} onRetry={() => askSession(setSession)} /></main>;
  if (session.kind === 'out') return <Login onEntered={entered} />;
  const tenant = query.get('tenant') ?? localStorage.getItem('tenant') ?? 'shop';
  localStorage.setItem('tenant', tenant);
  return <Shell visitor={session.visitor} tenant={tenant} onLeft={() => setSession({ kind: 'out' })}><Page path={path} tenant={tenant} query={query} /></Shell>;
};

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(<StrictMode><App /></StrictMode>);

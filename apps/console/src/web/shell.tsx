import type { ReactNode } from 'react';
import { call } from './problem.ts';
import { useQuery } from './query-hook.ts';
import { followed, navigate, useRoute } from './route.ts';
import type { Visitor } from './session/login.tsx';

const PAGES = [['/', 'Overview'], ['/explorer', 'Explorer'], ['/system', 'System']] as const;

interface Logs { readonly logs: readonly { readonly tenant: string }[] }

/** Tenants that have a log; the one in the address is listed even before its first event. */
const useTenants = (chosen: string): string[] => {
  const { data } = useQuery<Logs>('/api/logs', 15_000);
  return [...new Set([chosen, ...(data?.logs ?? []).map((log) => log.tenant)])].sort();
};

export const Shell = ({ visitor, tenant, onLeft, children }: { readonly visitor: Visitor; readonly tenant: string; readonly onLeft: () => void; readonly children: ReactNode }) => {
  const route = useRoute();
  const tenants = useTenants(tenant);
  const at = (path: string): string => `${path}?${new URLSearchParams({ tenant })}`;
  const leave = (): void => { void call('/api/session', { method: 'DELETE' }).finally(onLeft); };
  return (
    <>
      <a className="skip" href="#content">Skip to content</a>
      <header>
        <strong className="brand">Millrace</strong>
        <nav aria-label="Pages">
          {PAGES.map(([path, name]) => <a key={path} href={at(path)} onClick={followed} aria-current={route.path === path ? 'page' : undefined}>{name}</a>)}
        </nav>
        <label htmlFor="tenant">Tenant</label>
        <select id="tenant" value={tenant} onChange={(event) => navigate(`${route.path}?${new URLSearchParams({ tenant: event.target.value })}`)}>
          {tenants.map((name) => <option key={name}>{name}</option>)}
        </select>
        <span className="visitor">{visitor.name}</span>
        <button type="button" className="plain" onClick={leave}>Log out</button>
      </header>
      <main id="content" tabIndex={-1}>{children}</main>
    </>
  );
};

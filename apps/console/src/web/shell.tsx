import { useEffect, useRef, type ReactNode } from 'react';
import { call } from './problem.ts';
import { followed, navigate, useRoute, type Route } from './route.ts';
import type { Visitor } from './session/login.tsx';
import { tenantOptions, type TenantLog } from './tenant-choice.ts';

const PAGES = [['/', 'Overview'], ['/explorer', 'Explorer'], ['/system', 'System']] as const;

/** What counts as another page: a choice within one, of a tenant, a log or a period, leaves the keyboard where it is. */
const pageOf = ({ path, query }: Route): string => [path, ...['event', 'metric', 'after'].flatMap((name) => query.getAll(name))].join(' ');

/** After going to another page the keyboard goes on from its content, and a screen reader says where it is. */
const useContentFocus = (page: string): void => {
  const shown = useRef(page);
  useEffect(() => {
    if (shown.current !== page) document.getElementById('content')?.focus({ preventScroll: true });
    shown.current = page;
  }, [page]);
};

interface ShellProps { readonly visitor: Visitor; readonly tenant: string; readonly logs: readonly TenantLog[]; readonly onLeft: () => void; readonly children: ReactNode }

export const Shell = ({ visitor, tenant, logs, onLeft, children }: ShellProps) => {
  const route = useRoute();
  useContentFocus(pageOf(route));
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
        <span className="tenant">
          <label htmlFor="tenant">Tenant</label>
          <select id="tenant" value={tenant} onChange={(event) => navigate(`${route.path}?${new URLSearchParams({ tenant: event.target.value })}`)}>
            {tenantOptions(logs, tenant).map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
          </select>
        </span>
        <span className="visitor">{visitor.name}</span>
        <button type="button" className="plain" onClick={leave}>Log out</button>
      </header>
      <main id="content" tabIndex={-1}>{children}</main>
    </>
  );
};

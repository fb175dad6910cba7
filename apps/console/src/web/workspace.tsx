import { useEffect, useRef } from 'react';
import { Explorer } from './explorer/explorer.tsx';
import { Metrics, type MetricDescription } from './metrics.ts';
import { Overview } from './overview/overview.tsx';
import { usePageTitle } from './page.tsx';
import { useQuery } from './query-hook.ts';
import { followed, useRoute, type Route } from './route.ts';
import type { Visitor } from './session/login.tsx';
import { Shell } from './shell.tsx';
import { Awaited } from './states.tsx';
import { System } from './system/system.tsx';
import { chosenTenant, hasSales, isTenantName, type TenantLog } from './tenant-choice.ts';

interface Logs { readonly logs: readonly TenantLog[] }

const REFRESH_MS = 15_000;

const NoPage = () => {
  usePageTitle('No such page');
  return (
    <>
      <h1>No such page</h1>
      <p>There is nothing at this address. The console has the <a href="/" onClick={followed}>overview</a>, the <a href="/explorer" onClick={followed}>explorer</a> and the <a href="/system" onClick={followed}>system page</a>.</p>
    </>
  );
};

const Page = ({ route: { path, query }, tenant, logs }: { readonly route: Route; readonly tenant: string; readonly logs: readonly TenantLog[] }) => {
  if (path === '/' || path === '/login' || path === '/first-login') return <Overview key={tenant} tenant={tenant} query={query} demoSells={hasSales(logs, 'demo')} />;
  if (path === '/explorer') return <Explorer tenant={tenant} query={query} />;
  if (path === '/system') return <System tenant={tenant} />;
  return <NoPage />;
};

/** A choice in the address is kept for later visits; one without it is made once, so that the page doesn't change tenant by itself. */
const useTenant = (address: string | null, logs: readonly TenantLog[] | undefined): string | undefined => {
  const decided = useRef<string>(undefined);
  const tenant = chosenTenant({ address, stored: localStorage.getItem('tenant') ?? decided.current ?? null, logs });
  if (tenant !== undefined && logs && hasSales(logs, tenant)) decided.current ??= tenant;
  useEffect(() => { if (isTenantName(address)) localStorage.setItem('tenant', address); }, [address]);
  return tenant;
};

/** What a visitor sees who has logged in. */
export const Workspace = ({ visitor, onLeft }: { readonly visitor: Visitor; readonly onLeft: () => void }) => {
  const route = useRoute();
  const logs = useQuery<Logs>('/api/logs', { everyMs: REFRESH_MS });
  const metrics = useQuery<{ readonly metrics: readonly MetricDescription[] }>('/api/metrics', { everyMs: REFRESH_MS, changes: '' });
  const tenant = useTenant(route.query.get('tenant'), logs.data?.logs);
  if (tenant === undefined) return <main id="content"><h1>Millrace</h1><Awaited query={logs} what="the tenants" /></main>;
  return (
    <Metrics value={metrics.data?.metrics ?? []}>
      <Shell visitor={visitor} tenant={tenant} logs={logs.data?.logs ?? []} onLeft={onLeft}><Page route={route} tenant={tenant} logs={logs.data?.logs ?? []} /></Shell>
    </Metrics>
  );
};

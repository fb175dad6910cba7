import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { externalOf, type PlatformClient } from '../client/platform-client.ts';
import { gatherStatus, type StatusDocument } from '../commands/status.ts';
import type { CliConfig } from '../cli.config.ts';
import { homeAt, type Home } from '../home/home.ts';
import { postgresPassword } from '../home/secret.ts';
import { withAdmin } from '../provision/databases.ts';
import { POSTGRES_VARIABLES } from '../provision/external-servers.ts';
import { CLUSTERS, type ClusterName } from '../provision/postgres-cluster.ts';
import type { PortPlan } from '../provision/port-plan.ts';
import { finding, type Finding } from './finding.ts';

/** Behind by more than this many events, a consumer is not just busy. */
const LAG_WORTH_A_WORD = 20_000;

const ownAdminUrl = (home: Home, ports: PortPlan, name: ClusterName): string =>
  `postgres://postgres:${postgresPassword(home, `superuser-${name}`)}@127.0.0.1:${ports[`postgres-${name}`]}/postgres`;

const checkDurability = (name: ClusterName, url: string): Promise<Finding[]> => withAdmin(url, async (client) => {
  const { rows: [settings] } = await client.query<{ fsync: string; commit: string; pages: string }>(
    "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('full_page_writes') as pages");
  const { rows: weak } = await client.query<{ rolname: string }>("select rolname from pg_authid where rolcanlogin and coalesce(rolpassword, '') not like 'SCRAM-SHA-256$%'");
  const { rows: open } = await client.query<{ auth_method: string }>("select distinct auth_method from pg_hba_file_rules where auth_method not in ('scram-sha-256', 'cert', 'reject')");
  const durable = settings?.fsync === 'on' && settings.pages === 'on' && settings.commit !== 'off';
  return [
    finding(`postgres-${name} durability`, durable, `fsync ${settings?.fsync}, full_page_writes ${settings?.pages}, synchronous_commit ${settings?.commit}`, 'turn all three on: without them an acknowledged event can be lost'),
    finding(`postgres-${name} passwords`, weak.length === 0 && open.length === 0,
      weak.length === 0 && open.length === 0 ? 'SCRAM for every role and every way in' : `not SCRAM: ${[...weak.map((role) => role.rolname), ...open.map((rule) => rule.auth_method)].join(', ')}`,
      'set password_encryption to scram-sha-256, renew those passwords and remove other methods from pg_hba.conf'),
  ];
});

/** A server of somebody else is looked into with the login of this shell's variable; without it its health, which the supervisor tells, is all there is. */
const foreignFindings = async (config: CliConfig, name: ClusterName, address: string): Promise<Finding[]> => {
  const url = config.external[name];
  if (url === undefined) return [finding(`postgres-${name} durability`, true, `not looked at: run by others at ${address}; set ${POSTGRES_VARIABLES[name]} to have it looked at`, '')];
  return checkDurability(name, url).catch((error: Error) => [finding(`postgres-${name}`, false, error.message, `it is run by others: start it at ${address} again; everything here goes on by itself then`)]);
};

const postgresFindings = async (home: Home, config: CliConfig, ports: PortPlan): Promise<Finding[]> => {
  const external = externalOf(config);
  return (await Promise.all(CLUSTERS.map((name) => {
    const address = external[name];
    if (address !== undefined) return foreignFindings(config, name, address);
    return checkDurability(name, ownAdminUrl(home, ports, name)).catch((error: Error) => [finding(`postgres-${name}`, false, error.message, `see ${home.path('logs', `postgres-${name}.log`)}`)]);
  }))).flat();
};

/** Private means: nobody but the owner may read. */
export const openFiles = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name)).filter((file) => (statSync(file).mode & 0o077) !== 0);

const modeFindings = (home: Home): Finding[] => ['secrets', 'sources'].map((folder) => {
  const open = openFiles(home.path(folder));
  return finding(`${folder} are private`, open.length === 0, open.length === 0 ? `${home.path(folder)}: mode 0600` : `readable by others: ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`);
});

const serviceFindings = (home: Home, status: StatusDocument): Finding[] => status.services.map((service) =>
  finding(service.name, service.healthy, service.healthy ? `healthy${service.restarts > 0 ? `, restarted ${service.restarts} times` : ''}` : 'not healthy', `see ${home.path('logs', `${service.name}.log`)}; it is restarted by itself when it ends`));

/** A consumer that stopped, and one that is far behind, each with what to do. */
export const lagFindings = (status: Pick<StatusDocument, 'logs'>): Finding[] => status.logs.flatMap((log) => [
  finding(`relay ${log.tenant} ${log.log}`, log.state !== 'diverged' && log.head - log.relayed <= LAG_WORTH_A_WORD, `${log.head - log.relayed} behind${log.state === undefined ? '' : `, ${log.state}`}`,
    'a relay that is diverged waits for a decision: see backbone\'s log; one that is behind catches up by itself while NATS is healthy'),
  ...log.consumers.map((consumer) => finding(`${consumer.name} ${log.tenant} ${log.log}`,
    consumer.state !== 'diverged' && consumer.state !== 'stopped' && log.head - consumer.position <= LAG_WORTH_A_WORD && (consumer.parked ?? 0) === 0,
    `${log.head - consumer.position} behind, ${consumer.state}${(consumer.parked ?? 0) > 0 ? `, ${consumer.parked} parked` : ''}${consumer.reason === undefined ? '' : ` (${consumer.reason})`}`,
    `see the log of ${consumer.name}; a diverged consumer holds positions that the log doesn't have: restore both from the same moment or rebuild it`)),
]);

/** What can only be looked at while the platform runs. */
export const checkRunning = async (config: CliConfig, client: PlatformClient, tenant?: string): Promise<Finding[]> => {
  const home = homeAt(config.home);
  const [status, postgres] = await Promise.all([gatherStatus(client, tenant), postgresFindings(home, config, client.ports)]);
  const silent = status.unanswered.map((name) => finding(`${name} answers`, false, 'did not answer the operator', `see ${home.path('logs', `${name}.log`)}`));
  return [...serviceFindings(home, status), ...silent, ...lagFindings(status), ...postgres, ...modeFindings(home)];
};

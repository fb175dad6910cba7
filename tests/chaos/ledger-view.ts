import { millrace, until } from '../e2e/platform.ts';
import type { LedgerReport } from './history.ts';
import { call, type LogStanding, type Place } from './platform-view.ts';

interface Signed { readonly log: string; readonly cosigned: number; readonly state: string; readonly reason?: string }
interface Printed {
  readonly complete: boolean;
  readonly findings: readonly { readonly log: string; readonly kind: string; readonly position?: number; readonly what: string }[];
  readonly logs: readonly { readonly log: string; readonly size: number; readonly events: number; readonly findings: number }[];
}

/** The document `millrace ledger verify --json` prints, as the checker takes it. */
export const reportFrom = (text: string): LedgerReport => {
  const { complete, findings, logs } = JSON.parse(text) as Printed;
  return {
    complete,
    findings: findings.map(({ log, kind, position, what }) => `${log}${position === undefined ? '' : ` position ${position}`}: ${kind}: ${what}`),
    logs: logs.map(({ log, size, events, findings: found }) => ({ log, events, cosigned: size, findings: found })),
  };
};

/**
 * Runs `millrace ledger verify` over a tenant once its logs are cosigned to their heads; a ledger that stays behind is left to the verdict. `recovered`:
 * epochs that a recovery ended, which the operator must name: without that word the verification finds a log that was replaced.
 */
export const ledgerOf = async (place: Place, tenant: string, logs: readonly LogStanding[], recovered: readonly number[] = [], deadlineMs = 240_000): Promise<LedgerReport> => {
  let behind = '';
  await until(`the ledger of ${tenant} to be cosigned`, async () => {
    const { logs: signed } = await call<{ logs: Signed[] }>(place, 'backbone', `/v1/ledger?tenant=${tenant}`);
    const lagging = logs.filter(({ log, head }) => signed.find((each) => each.log === log)?.cosigned !== head);
    behind = lagging.map(({ log, head }) => `${log} of ${head}: ${JSON.stringify(signed.find((each) => each.log === log))}`).join('; ');
    return behind === '' ? true : undefined;
  }, deadlineMs).catch((error: unknown) => { throw new Error(`the ledger of ${tenant} stays behind: ${behind}`, { cause: error }); });
  const { code, stdout, stderr } = await millrace(place.home, 'ledger', 'verify', '--tenant', tenant, ...(recovered.length === 0 ? [] : ['--recovered', recovered.join(',')]), '--json');
  if (stdout === '') throw new Error(`millrace ledger verify exited ${code}: ${stderr.trim()}`);
  return reportFrom(stdout);
};

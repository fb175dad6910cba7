import type { RelayStatus } from '@millrace/event-bus';
import { logName, type LogHead } from '@millrace/kernel';

export interface LogStanding {
  readonly tenant: string;
  readonly log: string;
  readonly epoch: number;
  readonly head: number;
  /** Last position on the bus as far as this relay knows; 0 before the first. */
  readonly relayed: number;
  readonly state: RelayStatus['state'];
  readonly reason?: string;
}

/**
 * Heads as the database has them now, beside what the relay last knew of each log in that epoch; then logs that only the relay knows: their stream
 * is on the bus and the database has lost them.
 */
export const joinRelay = (heads: readonly LogHead[], relayed: readonly RelayStatus[]): LogStanding[] => {
  const byLog = new Map(relayed.map((status) => [`${status.tenant} ${status.log} ${status.epoch}`, status]));
  const present = new Set(heads.map((head) => `${head.tenant} ${logName(head)}`));
  const lost = relayed.filter(({ tenant, log, state }) => state === 'diverged' && !present.has(`${tenant} ${log}`));
  return [...heads.map((head) => {
    const log = logName(head);
    const status = byLog.get(`${head.tenant} ${log} ${head.epoch}`);
    return {
      tenant: head.tenant, log, epoch: head.epoch, head: head.position, relayed: status?.relayed ?? 0, state: status?.state ?? 'waiting',
      ...(status?.reason === undefined ? {} : { reason: status.reason }),
    };
  }), ...lost];
};

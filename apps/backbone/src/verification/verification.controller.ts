import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import { PgEventStore, PgLedgerStore } from '@millrace/event-store';
import { logName, type LogKey } from '@millrace/kernel';
import { parseCheckpoint, parseNote, parseOrigin } from '@millrace/ledger';
import { Allow, Closing, LOGGER, type Logger } from '@millrace/service-kit';
import type { FastifyReply } from 'fastify';
import { parseVerificationWish, type VerificationWish } from '../event-log/parameters.ts';
import { LeafMirror } from '../ledger/leaf-mirror.ts';
import { LedgerKeys } from '../ledger/ledger-keys.ts';
import { WitnessClient } from '../ledger/witness-client.ts';
import { LogVerification } from './log-verification.ts';

/** One line of the answer: JSON, then a newline (application/x-ndjson). */
type Line = (value: unknown) => Promise<void>;

const lineWriter = (reply: FastifyReply): Line => async (value) => {
  if (!reply.raw.write(`${JSON.stringify(value)}\n`)) await new Promise<void>((resolve) => { reply.raw.once('drain', resolve).once('close', resolve); });
};

@Controller('v1/ledger')
export class VerificationController {
  constructor(
    @Inject(PgLedgerStore) private readonly store: PgLedgerStore, @Inject(PgEventStore) private readonly events: PgEventStore, @Inject(LeafMirror) private readonly mirror: LeafMirror,
    @Inject(LedgerKeys) private readonly keys: LedgerKeys, @Inject(WitnessClient) private readonly witness: WitnessClient, @Inject(Closing) private readonly closing: Closing, @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Lines of `progress`, `finding` and, per log, a `verdict`; `end` last: an answer without it was cut. */
  @Allow('operator')
  @Get('verify')
  async verify(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const wish = parseVerificationWish(query);
    const witnessed = await this.witness.checkpoints();
    const logs = await this.logsOf(wish, witnessed);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    try {
      for (const log of logs) await this.verifyLog(log, wish, witnessed, lineWriter(reply), reply);
      await lineWriter(reply)({ end: logs.length });
    } catch (error) {
      // The head is sent: the missing end tells the client; why is for us.
      this.logger.warn({ err: error }, 'verification ended early');
    } finally {
      reply.raw.end();
    }
  }

  private async verifyLog(log: LogKey, wish: VerificationWish, witnessed: readonly string[] | undefined, line: Line, reply: FastifyReply): Promise<void> {
    const name = { tenant: log.tenant, log: logName(log) };
    const verification = new LogVerification(log, { store: this.store, events: this.events, mirror: this.mirror, keys: this.keys.trusted, witnessed, recovered: wish.recovered }, {
      progress: async (done, total) => {
        if (reply.raw.destroyed || this.closing.signal.aborted) throw new Error('nobody waits for the rest');
        await line({ progress: { ...name, done, total } });
      },
      finding: (finding) => line({ finding: { ...name, ...finding } }),
    });
    await line({ verdict: await verification.run() });
  }

  /** The logs there are, and those the witness remembers: a log that was taken away whole is missing from its first position on. */
  private async logsOf({ tenant, log }: VerificationWish, witnessed: readonly string[] = []): Promise<LogKey[]> {
    const known = new Map<string, LogKey>();
    const add = (key: LogKey): void => { known.set(`${key.tenant} ${logName(key)}`, { tenant: key.tenant, context: key.context, shard: key.shard }); };
    for (const head of await this.events.heads(tenant)) add(head);
    for (const note of witnessed) {
      const origin = parseOrigin(parseCheckpoint(parseNote(note).text).origin);
      if (origin !== undefined && (tenant === undefined || origin.tenant === tenant)) add(origin);
    }
    const all = [...known.values()].toSorted((one, other) => (`${one.tenant} ${logName(one)}` < `${other.tenant} ${logName(other)}` ? -1 : 1));
    return log === undefined ? all : all.filter((one) => logName(one) === log);
  }
}

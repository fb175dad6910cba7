import type { PgEventStore, PgLedgerStore, LedgerRow } from '@millrace/event-store';
import { logName, type LogKey } from '@millrace/kernel';
import { HASH_BYTES, parseOrigin, type TrustedKeys } from '@millrace/ledger';
import type { LeafMirror } from '../ledger/leaf-mirror.ts';
import { wholeRows } from './archived-rows.ts';
import { checkStoredCheckpoints, findAnchor, type Anchor } from './anchor.ts';
import { authenticLeaves, type LeafReader } from './authentic-leaves.ts';
import type { Finding, Verdict } from './finding.ts';
import { isBackedByFact } from './redaction-fact.ts';
import { recomputeRow, unreadableRow, type RecomputedRow } from './row.rule.ts';
import { TreeCheck, type ExpectedRoot } from './tree-check.ts';

export interface VerificationParts {
  readonly store: PgLedgerStore;
  readonly events: Pick<PgEventStore, 'findEvent' | 'head' | 'read'>;
  readonly mirror: LeafMirror;
  readonly keys: Required<TrustedKeys>;
  /** The witness's last cosigned notes; undefined when it was not heard. */
  readonly witnessed: readonly string[] | undefined;
  /** Epochs whose end in a recovery the operator knows of: that the log is another since is no finding. */
  readonly recovered?: readonly number[];
}

export interface VerificationReport {
  progress(done: number, total: number): void | Promise<void>;
  finding(finding: Finding): void | Promise<void>;
}

/** Held in memory at a time; some 15 ms of work. */
const PAGE_ROWS = 1000;
const PAGE_BYTES = 8 * 1024 * 1024;
/** A gap may be as long as the log. */
const GAP_LEAVES = 65_536;
const NOTHING = Buffer.alloc(HASH_BYTES);

const expectedRoots = ({ checkpoint, earlier }: Anchor, placed: boolean, recovered: readonly number[]): ExpectedRoot[] => [
  {
    size: checkpoint.size, root: checkpoint.root,
    otherwise: () => ({ kind: 'root', position: 1, through: checkpoint.size, what: `the events do not give the root cosigned at ${checkpoint.size}${placed ? '' : ', and no authentic leaves are left that could say which of them differ'}` }),
  },
  ...earlier.filter(({ origin }) => !recovered.includes(parseOrigin(origin)?.epoch ?? 0)).map((old): ExpectedRoot => ({
    size: old.size, root: old.root,
    otherwise: () => ({ kind: 'epoch', position: 1, through: old.size, what: `the log does not begin with the tree of ${old.size} leaves cosigned as ${old.origin}: it was restored or replaced; after a recovery you know of, say so with --recovered ${parseOrigin(old.origin)?.epoch}` }),
  })),
];

/** Reads a log from its first row to its last and holds all of it against what was cosigned. Changes nothing. */
export class LogVerification {
  private findings = 0;
  private events = 0;
  private readonly redacted: number[] = [];
  private readonly page: (RecomputedRow & { readonly position: number })[] = [];

  constructor(private readonly log: LogKey, private readonly parts: VerificationParts, private readonly report: VerificationReport) {}

  async run(): Promise<Verdict> {
    const { store, mirror, keys, witnessed } = this.parts;
    const anchor = await findAnchor(store, this.log, keys, witnessed);
    const leaves = anchor && await authenticLeaves(store, mirror, anchor.origin, anchor.checkpoint);
    if (anchor && leaves) {
      await this.tell(await checkStoredCheckpoints(store, anchor, keys));
      if (!leaves.mirror) await this.tell([{ kind: 'leaves', what: 'the leaf hashes kept beside the database are not those that were signed: restore the folder, or let it be written anew from a verified log' }]);
    }
    await this.readRows(anchor, leaves?.read);
    return {
      tenant: this.log.tenant, log: logName(this.log), size: anchor?.checkpoint.size ?? 0, witness: witnessed === undefined ? 'not heard' : 'heard',
      ...(anchor?.checkpoint.cosignedAt === undefined ? {} : { cosignedAt: anchor.checkpoint.cosignedAt.toISOString() }),
      events: this.events, redacted: this.redacted, findings: this.findings,
    };
  }

  private async tell(findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) {
      this.findings += 1;
      await this.report.finding(finding);
    }
  }

  private async readRows(anchor: Anchor | undefined, authentic: LeafReader | undefined): Promise<void> {
    const size = anchor?.checkpoint.size ?? 0;
    const check = anchor && new TreeCheck(this.parts.store, anchor.origin, size, expectedRoots(anchor, authentic !== undefined, this.parts.recovered ?? []));
    const total = Math.max(size, (await this.parts.events.head(this.log))?.position ?? 0);
    let after: number | undefined;
    let next = 1;
    for (;;) {
      const rows = await this.parts.store.rows(this.log, after, PAGE_ROWS, PAGE_BYTES);
      for (const row of await this.recompute(rows, next)) {
        if (row.position > next) await this.skip(next, row.position - 1, size, check, authentic);
        this.page.push(row);
        next = row.position + 1;
        if (this.page.length === PAGE_ROWS) await this.flush(size, check, authentic);
      }
      await this.flush(size, check, authentic);
      await this.report.progress(Math.min(next - 1, total), total);
      after = rows.at(-1)?.position;
      if (after === undefined) break;
    }
    if (next <= size) await this.skip(next, size, size, check, authentic);
    await this.tell(await check?.finish() ?? []);
  }

  /** Rows of positions not seen before, from `next` on; the others are told of. */
  private async recompute(page: readonly LedgerRow[], next: number): Promise<(RecomputedRow & { readonly position: number })[]> {
    const kept: (RecomputedRow & { readonly position: number })[] = [];
    const { rows, findings, unreadable } = await wholeRows(this.parts.events, this.log, page);
    await this.tell(findings);
    for (const row of rows) {
      this.events += 1;
      const recomputed = unreadable.has(row.position) ? unreadableRow(row) : recomputeRow(this.log, row);
      await this.tell(recomputed.findings);
      if (recomputed.redacted) await this.checkRedaction(row);
      if (row.position < (kept.at(-1)?.position ?? next - 1) + 1) await this.tell([{ kind: 'extra', position: row.position, what: 'a row too many stands at this position' }]);
      else kept.push({ ...recomputed, position: row.position });
    }
    return kept;
  }

  /** No row stands from `from` to `through`. */
  private async skip(from: number, through: number, size: number, check: TreeCheck | undefined, authentic: LeafReader | undefined): Promise<void> {
    await this.flush(size, check, authentic);
    await this.tell([{ kind: 'missing', position: from, ...(through > from ? { through } : {}), what: 'no row stands here' }]);
    for (let at = from; at <= Math.min(through, size); at += GAP_LEAVES) {
      const count = Math.min(GAP_LEAVES, Math.min(through, size) - at + 1);
      await this.tell(await check?.append(await authentic?.(at - 1, count) ?? Buffer.alloc(count * HASH_BYTES)) ?? []);
    }
  }

  /** Holds the rows gathered, whose positions follow each other, against what was signed, and lets the tree grow by what was. */
  private async flush(size: number, check: TreeCheck | undefined, authentic: LeafReader | undefined): Promise<void> {
    const rows = this.page.splice(0).filter(({ position }) => position <= size);
    const [first] = rows;
    if (first === undefined) return;
    const signed = await authentic?.(first.position - 1, rows.length);
    const leaves: Uint8Array[] = [];
    for (const [n, { position, leaf }] of rows.entries()) {
      const expected = signed?.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES);
      if (leaf !== undefined && expected !== undefined && Buffer.compare(leaf, expected) !== 0) await this.tell([{ kind: 'altered', position, what: 'the event is not the one that was signed' }]);
      leaves.push(expected ?? leaf ?? NOTHING);
    }
    await this.tell(await check?.append(Buffer.concat(leaves)) ?? []);
  }

  private async checkRedaction(row: LedgerRow): Promise<void> {
    if (await isBackedByFact(this.parts, this.log, row)) this.redacted.push(row.position);
    else await this.tell([{ kind: 'redaction', position: row.position, what: 'the data is gone, and no cosigned security.event.redacted says why' }]);
  }
}

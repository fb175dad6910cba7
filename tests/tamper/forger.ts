import { cosign, formatCheckpoint, formatNote, formatOrigin, signNote, SigningKey, TileTree, LOG_KEY_NAME, WITNESS_KEY_NAME, type LogOrigin } from '@millrace/ledger';
import type { Alteration } from './alteration.ts';
import { ALL_LOGS, type Owner } from './cosigned-logs.ts';

const FORGED_LOG_KEY = new SigningKey(LOG_KEY_NAME, 'log', Buffer.alloc(32, 66));
const FORGED_WITNESS_KEY = new SigningKey(WITNESS_KEY_NAME, 'witness', Buffer.alloc(32, 67));

/**
 * Does what the owner of the whole database can to hide an alteration: lets the envelope say what the columns say, computes every leaf, tile
 * and root anew, and signs the checkpoint, with keys under the right names, but not the right ones: those are not in the database.
 */
export const forge = async (owner: Owner, { column }: Pick<Alteration, 'column'>): Promise<void> => {
  await owner.run(`update millrace.event e set envelope = convert_to(regexp_replace(regexp_replace(regexp_replace(convert_from(e.envelope, 'UTF8'),
      '"id":"[^"]*"', '"id":"' || e.id || '"'), '"stream":"[^"]*"', '"stream":"' || e.stream || '"'), '"fingerprint":"[^"]*"', '"fingerprint":"' || encode(e.fingerprint, 'hex') || '"'), 'UTF8')
    from tamper.event p where p.id = e.id and p.tenant = e.tenant and p.position = e.position and e.envelope = p.envelope and (e.stream, e.fingerprint) is distinct from (p.stream, p.fingerprint)
      or p.tenant = e.tenant and p.context = e.context and p.shard = e.shard and p.position = e.position and e.envelope = p.envelope and e.id <> p.id`);
  // An altered leaf computed anew would be the right one again.
  if (column !== 'leaf') await owner.run("update millrace.event set leaf = sha256('\\x00'::bytea || envelope || coalesce(data_digest, sha256(salt || data))) where envelope is not null");
  await owner.run('delete from millrace.ledger_tile');
  await owner.run('delete from millrace.ledger_checkpoint');
  for (const log of ALL_LOGS) {
    const [head] = await owner.run<{ epoch: string }>('select epoch from millrace.log_head where tenant = $1 and context = $2 and shard = $3', [log.tenant, log.context, log.shard]);
    await forgeLedger(owner, { ...log, epoch: Number(head?.epoch) });
  }
};

const forgeLedger = async (owner: Owner, origin: LogOrigin): Promise<void> => {
  const of = [origin.tenant, origin.context, origin.shard];
  const [all] = await owner.run<{ leaves: Buffer | null }>("select string_agg(leaf, ''::bytea order by position) as leaves from millrace.event where tenant = $1 and context = $2 and shard = $3", of);
  const tree = new TileTree();
  const tiles = [...tree.append(all?.leaves ?? Buffer.alloc(0)), ...tree.partialTiles()];
  if (tree.size === 0) return;
  for (const { level, index, hashes } of tiles) await owner.run('insert into millrace.ledger_tile values ($1, $2, $3, $4, $5, $6, $7)', [...of, origin.epoch, level, index, hashes]);
  const signed = signNote(formatCheckpoint({ origin: formatOrigin(origin), size: tree.size, root: tree.root(), extensions: [] }), FORGED_LOG_KEY);
  const note = formatNote({ ...signed, signatures: [...signed.signatures, cosign(signed.text, FORGED_WITNESS_KEY, new Date())] });
  await owner.run('insert into millrace.ledger_checkpoint (tenant, context, shard, epoch, size, root, note, cosigned) values ($1, $2, $3, $4, $5, $6, $7, true)', [...of, origin.epoch, tree.size, tree.root(), note]);
};

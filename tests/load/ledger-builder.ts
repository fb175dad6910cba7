import { join } from 'node:path';
import { PgEventStore, PgLedgerStore } from '@millrace/event-store';
import { LeafMirror } from '../../apps/backbone/src/ledger/leaf-mirror.ts';
import { LedgerKeeper } from '../../apps/backbone/src/ledger/ledger-keeper.ts';
import { logKey, NearWitness, trusted } from '../../apps/backbone/src/ledger/testing.ts';
import { WitnessState } from '../../apps/backbone/src/witness/witness-state.ts';

/**
 * A process of its own, as backbone's is: the keeper that builds, signs and has cosigned every log of a database until the parent hangs up.
 * The witness keeps its state in files, fsynced, but is asked without HTTP. Arguments: the database's URL, a folder.
 */
const [url, dir] = process.argv.slice(2) as [string, string];
const events = PgEventStore.connect({ url, applicationName: 'bench-ledger' });
const store = PgLedgerStore.connect({ url, applicationName: 'bench-ledger' });
const keeper = new LedgerKeeper({
  store, mirror: new LeafMirror(join(dir, 'leaves')), key: logKey, witness: { client: new NearWitness(await WitnessState.open(join(dir, 'witness'))), keys: trusted },
  heads: () => events.heads(),
  onChange: ({ state, reason }) => { if (state === 'diverged') process.stderr.write(`ledger: ${reason}\n`); },
  onError: (error) => { process.stderr.write(`ledger: ${String(error)}\n`); },
});
process.once('disconnect', () => {
  void keeper.stop().then(() => Promise.all([events.close(), store.close()]));
});
keeper.start();

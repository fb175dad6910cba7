import type { SigningKey, TrustedKeys, VerifierKey } from '@millrace/ledger';

/** The key this installation's logs are signed with, and the witness's public one. */
export class LedgerKeys {
  constructor(readonly signing: SigningKey, private readonly witness: VerifierKey) {}

  get trusted(): Required<TrustedKeys> {
    return { log: this.signing.verifier, witness: this.witness };
  }
}

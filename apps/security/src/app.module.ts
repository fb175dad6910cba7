import { Module } from '@nestjs/common';
import { AccountsModule } from './accounts/accounts.module.ts';
import { KeysModule } from './keys/keys.module.ts';
import { RedactionModule } from './redaction/redaction.module.ts';
import { RevealModule } from './reveal/reveal.module.ts';

@Module({ imports: [KeysModule, AccountsModule, RevealModule, RedactionModule] })
export class AppModule {}

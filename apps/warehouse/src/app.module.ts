import { Module } from '@nestjs/common';
import { LoadModule } from './load/load.module.ts';
import { QueryModule } from './query/query.module.ts';

@Module({ imports: [LoadModule, QueryModule] })
export class AppModule {}

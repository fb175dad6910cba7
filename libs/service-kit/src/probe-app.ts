import { Controller, Get, Module } from '@nestjs/common';
import { Public } from './token-guard.ts';

@Public()
@Controller('v1')
class ProbeController {
  /** Longer than it takes to send a signal. */
  @Get('slow')
  async slow(): Promise<{ done: true }> {
    await new Promise((resolve) => { setTimeout(resolve, 700); });
    return { done: true };
  }
}

@Module({ controllers: [ProbeController] })
export class ProbeAppModule {}

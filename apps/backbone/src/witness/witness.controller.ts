import { Body, Controller, Get, Inject, Post, Res } from '@nestjs/common';
import { Public } from '@millrace/service-kit';
import type { FastifyReply } from 'fastify';
import { WitnessState } from './witness-state.ts';
import { Witness, type WitnessAnswer } from './witness.ts';

/** Public as the protocol has it: a request proves itself by its signature, and what is witnessed is meant to be seen. */
@Public()
@Controller()
export class WitnessController {
  constructor(@Inject(Witness) private readonly witness: Witness, @Inject(WitnessState) private readonly state: WitnessState) {}

  @Post('add-checkpoint')
  async add(@Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    send(reply, await this.witness.add(typeof body === 'string' ? body : ''));
  }

  /** The last cosigned checkpoint of every origin, as signed notes. */
  @Get('v1/checkpoints')
  checkpoints(): { checkpoints: string[] } {
    return { checkpoints: this.state.all().map(({ note }) => note) };
  }
}

const send = (reply: FastifyReply, answer: WitnessAnswer): void => {
  if (answer.status === 200) void reply.status(200).header('content-type', 'text/plain; charset=utf-8').send(answer.signature);
  else if (answer.status === 409) void reply.status(409).header('content-type', 'text/x.tlog.size').send(`${answer.size}\n`);
  else void reply.status(answer.status).header('content-type', 'text/plain; charset=utf-8').send(`${answer.reason}\n`);
};

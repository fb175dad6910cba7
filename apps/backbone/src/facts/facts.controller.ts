import { hash } from 'node:crypto';
import { DISCARD_SUBJECT, discardQuestion, SWITCH_SUBJECT, switchQuestion } from '@millrace/contracts';
import { FactLog, type RecordedFact } from '@millrace/event-sourcing';
import { DomainError, parseTenant } from '@millrace/kernel';
import { Answers } from '@millrace/service-kit';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { z } from 'zod';

const read = <T extends z.ZodType>(schema: T, question: unknown): z.output<T> => {
  const outcome = schema.safeParse(question);
  if (outcome.success) return outcome.data;
  throw new DomainError('invalid', 'question-malformed', { pointer: `/${outcome.error.issues[0]?.path.join('/') ?? ''}` }, 'The question does not have the form its contract names.');
};

/** Records what other services did to what was theirs. Ids are made from what is told: asked again after a lost answer, it is stored once. */
@Controller()
export class FactsController {
  constructor(private readonly facts: FactLog) {}

  @Answers(DISCARD_SUBJECT)
  discarded(@Payload() question: unknown): Promise<RecordedFact> {
    const { tenant, ...data } = read(discardQuestion, question);
    const { service, consumer, context, shard, position } = data;
    return this.facts.record({ tenant: parseTenant(tenant), id: `discarded/${service}/${consumer}/${context}/${shard}/${position}`, contract: 'backbone.parked-event.discarded', data });
  }

  @Answers(SWITCH_SUBJECT)
  switched(@Payload() question: unknown): Promise<RecordedFact> {
    const { tenant, at, ...data } = read(switchQuestion, question);
    const vector = Object.entries(at).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([log, position]) => `${log}:${position}`).join();
    return this.facts.record({
      tenant: parseTenant(tenant), id: `switched/${data.service}/${data.projection}/${data.from}/${data.to}/${hash('sha256', vector, 'hex').slice(0, 16)}`, contract: 'backbone.projection.switched', data,
    });
  }
}

import { Controller, Inject } from '@nestjs/common';
import { KEY_SUBJECTS } from '@millrace/privacy';
import { Answers } from '@millrace/service-kit';
import { KeyAnswers } from './key-answers.ts';

/** Questions for subject keys over NATS; bytes both ways, sealed with curve keys. */
@Controller()
export class KeyRequestController {
  constructor(@Inject(KeyAnswers) private readonly answers: KeyAnswers) {}

  @Answers(KEY_SUBJECTS.resolve, 'bytes')
  resolve(bytes: Uint8Array): Promise<Uint8Array> {
    return this.answers.answer('resolve', bytes);
  }

  @Answers(KEY_SUBJECTS.find, 'bytes')
  find(bytes: Uint8Array): Promise<Uint8Array> {
    return this.answers.answer('find', bytes);
  }

  @Answers(KEY_SUBJECTS['keys-of'], 'bytes')
  keysOf(bytes: Uint8Array): Promise<Uint8Array> {
    return this.answers.answer('keys-of', bytes);
  }
}

import { describe, expect, it } from '@jest/globals';
import type { QueryConfig, QueryResultRow } from 'pg';
import { DomainError, type LogKey } from '@millrace/kernel';
import { append, refusedStreams, type UnitAnswer } from './append.ts';
import type { Statements } from './database.ts';
import { sampleEvent } from './event-store.conformance.ts';
import { LogTail } from './log-tail.ts';
import { prepareUnits, type PreparedUnit } from './prepared-unit.ts';

const LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const unitsOf = (...streams: string[]): PreparedUnit[] =>
  prepareUnits(LOG, streams.map((name) => ({ stream: `sales.order/${name}`, expectedVersion: 'any' as const, events: [sampleEvent(LOG, `sales.order/${name}`)] })), {}, new Date(0));

/** A server whose disk is full for as many appends as it is told, and that then has room again. */
class FullDisk implements Statements {
  readonly taken: string[][] = [];

  constructor(private refusals: number) {}

  async run<Row extends QueryResultRow>(query: QueryConfig): Promise<Row[]> {
    const streams = (query.values ?? []).find((value): value is string[] | string => /sales\.order\//.test(String(value)));
    if (query.name !== 'append-events') return [];
    if (this.refusals > 0) {
      this.refusals -= 1;
      throw Object.assign(new Error('could not extend file: No space left on device'), { code: '53100' });
    }
    const names = [...new Set([...String(streams).matchAll(/sales\.order\/(\w+)/g)].map((match) => match[1]!))];
    this.taken.push(names);
    return [{ epoch: '1', base: '0', versions: names.map(() => '0') } as QueryResultRow as Row];
  }
}

const told = (answers: readonly UnitAnswer[]): string[] => answers.map((answer) => (answer instanceof DomainError ? answer.code : answer[0]!.kind));

describe('a batch that the server refuses as a whole', () => {
  it('is halved, and what follows a refused unit on its stream is refused with it: stored, it would stand before what is sent again', async () => {
    const server = new FullDisk(3); // the whole, its first half, and that one's first half; then there is room
    const { answers } = await append(server, LOG, new LogTail(), undefined, unitsOf('a', 'b', 'a', 'c'), false);
    expect(told(answers)).toEqual(['event-store-unavailable', 'appended', 'event-store-unavailable', 'appended']);
    expect(server.taken.flat()).toEqual(['b', 'c']);
  });

  it('is stored whole by its halves once there is room', async () => {
    const server = new FullDisk(1);
    const { answers } = await append(server, LOG, new LogTail(), undefined, unitsOf('a', 'b', 'a', 'c'), false);
    expect(told(answers)).toEqual(['appended', 'appended', 'appended', 'appended']);
    expect(server.taken).toEqual([['a', 'b'], ['a', 'c']]);
  });

  it('has nothing left to send when every stream was refused', async () => {
    const server = new FullDisk(2);
    const { answers } = await append(server, LOG, new LogTail(), undefined, unitsOf('a', 'a'), false);
    expect(told(answers)).toEqual(['event-store-unavailable', 'event-store-unavailable']);
    expect(server.taken).toEqual([]);
  });
});

it('holds back the streams of units that may be sent again, and of no others', () => {
  const away = new DomainError('unavailable', 'event-store-unavailable');
  const answers: UnitAnswer[] = [away, new DomainError('conflict', 'stream-in-other-log'), [{ kind: 'skipped' }]];
  expect([...refusedStreams(unitsOf('a', 'b', 'c'), answers)]).toEqual([['sales.order/a', away]]);
});

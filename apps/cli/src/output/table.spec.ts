import { describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { DomainError } from '@millrace/kernel';
import { alignedTable, asCell, megabytes, objectTable } from './table.ts';
import { clockTime, errorLine, present, type Terminal } from './terminal.ts';

describe('a table', () => {
  it('pads text to the right and numbers to the left', () => {
    expect(alignedTable(['name', 'value'], [['a', '10.5'], ['long name', 7]])).toBe([
      'NAME       VALUE',
      'a           10.5',
      'long name      7',
    ].join('\n'));
  });

  it('shows what is absent as a dash and keeps a cell on one line', () => {
    expect(alignedTable(['name'], [[null], ['two\nlines']])).toBe('NAME\n–\ntwo lines');
  });

  it('has a line per row, none with trailing blanks, whatever the cells hold', () => {
    const cell = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), (rows) => {
      const lines = alignedTable(['one', 'two'], rows).split('\n');
      expect(lines).toHaveLength(rows.length + 1);
      for (const line of lines) expect(line).toBe(line.trimEnd());
    }));
  });

  it('takes its columns from the first object', () => {
    expect(objectTable([{ month: '2011-01', value: '1.20' }, { month: '2011-02', value: '30.00' }])).toBe('MONTH    VALUE\n2011-01   1.20\n2011-02  30.00');
    expect(objectTable([])).toBe('(no rows)');
  });
});

it('writes nested values as JSON and memory in megabytes', () => {
  expect(asCell({ a: [1] })).toBe('{"a":[1]}');
  expect(megabytes(3 * 1_048_576)).toBe('3 MB');
});

describe('an answer', () => {
  const heard: string[] = [];
  const terminal: Terminal = { out: (text) => { heard.push(text); }, err: () => undefined, progress: new PassThrough() };
  it('is one JSON document with --json, and words without', () => {
    present(terminal, true, { rows: [1] }, () => 'never made');
    present(terminal, false, { rows: [1] }, () => 'in words');
    expect(heard).toEqual(['{"rows":[1]}', 'in words']);
  });
});

describe('an error', () => {
  it('is one line, whatever threw it', () => {
    expect(errorLine(new DomainError('invalid', 'x', {}, 'first\n  second'))).toBe('first second');
    expect(errorLine(new Error('first\nstack'))).toBe('first');
    expect(errorLine('text')).toBe('text');
  });
});

it('tells the time of day', () => {
  expect(clockTime(new Date(2026, 0, 2, 3, 4, 5))).toBe('03:04:05');
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalEnvelope } from './canonical-envelope.ts';
import { sampleEvent, sampleLog } from './event-store.conformance.ts';
import { canMatch, filterCondition, isFiltering, membersOf, type EventFilter } from './log-filter.ts';

const log = sampleLog();
const envelopeOf = (part: { type?: string; subject?: string; source?: string; id?: string }): Buffer =>
  Buffer.from(canonicalEnvelope({ ...sampleEvent(log, 'sales.order/1').envelope, ...part }, '2026-01-02T03:04:07.000Z'));
/** What the database does with the members. */
const fits = (envelope: Buffer, filter: EventFilter): boolean => membersOf(filter).every((member) => envelope.includes(member));

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.constantFrom('"type":"a.b.c"', String.raw`\"subject\":\"x\"`, '","subject":"x', '\\', '"', '}', 'Ünïcode ✓')).filter((one) => one.isWellFormed() && !one.includes('\0'));

describe('a filter on canonical envelopes', () => {
  it('fits exactly the subject it names, whatever the texts around it say', () => {
    fc.assert(fc.property(text, text, text, (subject, other, source) => {
      const envelope = envelopeOf({ subject, source });
      expect(fits(envelope, { subject })).toBe(true);
      expect(fits(envelope, { subject: other })).toBe(other === subject);
      expect(fits(envelopeOf({ source: JSON.stringify({ subject }) }), { subject })).toBe(false);
    }));
  });

  it('fits exactly the type it names, and both only together', () => {
    fc.assert(fc.property(fc.constantFrom('sales.order.placed', 'sales.order.paid'), text, (type, subject) => {
      const envelope = envelopeOf({ type, subject });
      expect([fits(envelope, { type }), fits(envelope, { type: `${type}x` }), fits(envelope, { type: type.slice(0, -1) })]).toEqual([true, false, false]);
      expect([fits(envelope, { type, subject }), fits(envelope, { type, subject: `${subject}.` }), fits(envelope, { type: 'a.b.c', subject })]).toEqual([true, false, false]);
    }));
  });

  it('quotes what it is given', () => {
    expect(filterCondition({ subject: `'; DROP TABLE x; --` })).toContain(`"subject":"''; DROP TABLE x; --"`);
    expect(filterCondition({ type: 'a.b.c', subject: 's' })).toMatch(/^position\(.* AND position\(/);
    expect([filterCondition({}), isFiltering({}), isFiltering({ type: 'a' }), isFiltering({ subject: '' })]).toEqual(['true', false, true, true]);
  });

  it('knows texts that no event holds', () => {
    expect([{}, { type: 'a.b.c' }, { subject: '✓' }, { type: '\0' }, { subject: '\uD800' }].map(canMatch)).toEqual([true, true, true, false, false]);
  });
});

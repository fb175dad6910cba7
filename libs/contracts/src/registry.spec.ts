import { CONTEXTS } from '@millrace/kernel';
import { streamOf } from './define-contract.ts';
import { FIXTURES } from './fixtures/frozen.ts';
import { CONTRACTS, findContract, knownTypes, knownVersions, newestContract } from './registry.ts';

const VOCABULARY = [
  'backbone.difference.found', 'backbone.difference.settled', 'backbone.log.recovered', 'backbone.log.shards-raised',
  'backbone.parked-event.discarded', 'backbone.projection.switched', 'backbone.range.archived',
  'clickstream.cart.item-added', 'clickstream.cart.item-removed', 'clickstream.checkout.completed', 'clickstream.checkout.started',
  'clickstream.page.viewed', 'clickstream.product.viewed', 'clickstream.search.performed',
  'customer.consent.given', 'customer.consent.withdrawn', 'customer.contact.changed', 'customer.identity.linked', 'customer.profile.registered',
  'inventory.stock.counted', 'inventory.stock.received', 'inventory.stock.released', 'inventory.stock.reserved', 'inventory.stock.shipped',
  'merchandise.price.changed', 'merchandise.product.listed', 'merchandise.product.retired',
  'sales.order.adjusted', 'sales.order.cancelled', 'sales.order.placed', 'sales.order.returned',
  'sales.payment.captured', 'sales.payment.failed', 'sales.refund.issued',
  'security.event.redacted', 'security.identifier.revealed', 'security.session.opened',
];

describe('the vocabulary', () => {
  it('is this, sorted', () => expect(knownTypes()).toEqual(VOCABULARY));
  it('has each type and version once', () => expect(new Set(CONTRACTS.map((c) => `${c.type}@${c.version}`)).size).toBe(CONTRACTS.length));
  it('finds a contract by type and version', () => expect(findContract('sales.order.placed', 1)).toMatchObject({ type: 'sales.order.placed', version: 1, context: 'sales' }));
  it('knows no other type', () => expect(findContract('sales.order.updated', 1)).toBeUndefined());
  it('knows no type named like a property of every object', () => expect(findContract('__proto__', 1)).toBeUndefined());
  it('knows no other version, and tells which there are', () => {
    expect(findContract('sales.order.placed', 3)).toBeUndefined();
    expect(knownVersions('sales.order.placed')).toEqual([1, 2]);
    expect(newestContract('sales.order.placed')?.version).toBe(2);
    expect(newestContract('sales.order.updated')).toBeUndefined();
    expect(knownVersions('sales.order.updated')).toEqual([]);
  });
  it('names no fact "-updated"', () => expect(knownTypes().filter((type) => /updated|created|deleted/.test(type))).toEqual([]));
  it('belongs to contexts that have a log', () => expect(CONTRACTS.filter((contract) => !CONTEXTS.includes(contract.context))).toEqual([]));
});

describe('streams', () => {
  const stored = (type: string): string => {
    const fixture = FIXTURES.find((f) => f.type === type);
    const contract = findContract(type, 1);
    if (fixture === undefined || contract === undefined) throw new Error(`no fixture of ${type}`);
    const subject = contract.subjectAt?.slice(1);
    return streamOf(contract, subject === undefined ? fixture.data : { ...fixture.data, [subject]: { ref: 'sub_1' } });
  };
  it.each([
    ['sales.order.placed', 'sales.order/536365'],
    ['sales.order.cancelled', 'sales.order/C536379'],
    ['sales.payment.failed', 'sales.payment/p-0'],
    ['sales.refund.issued', 'sales.refund/f-1'],
    ['customer.profile.registered', 'customer.profile/sub_1'],
    ['customer.contact.changed', 'customer.profile/sub_1'],
    ['customer.consent.withdrawn', 'customer.profile/sub_1'],
    ['customer.identity.linked', 'customer.profile/sub_1'],
    ['inventory.stock.reserved', 'inventory.stock/85123A'],
    ['merchandise.product.listed', 'merchandise.product/BANK CHARGES'],
    ['merchandise.price.changed', 'merchandise.product/85123A'],
    ['clickstream.page.viewed', 'clickstream.session/s-1'],
    ['clickstream.cart.item-added', 'clickstream.session/s-1'],
    ['security.identifier.revealed', 'security.account/operator'],
    ['security.event.redacted', 'security.event/sales/0/17'],
    ['backbone.log.recovered', 'backbone.log/sales/0'],
    ['backbone.range.archived', 'backbone.log/sales/0'],
    ['backbone.log.shards-raised', 'backbone.context/clickstream'],
    ['backbone.parked-event.discarded', 'backbone.parked-event/analytics/analytics/sales/0/17'],
    ['backbone.projection.switched', 'backbone.projection/analytics/sales-facts'],
    ['backbone.difference.found', 'backbone.difference/source-count/shop-server'],
    ['backbone.difference.settled', 'backbone.difference/source-count/shop-server'],
  ])('%s belongs to %s', (type, stream) => expect(stored(type)).toBe(stream));

  it('refuses to name a stream by a reference that is not there yet', () => {
    const contract = findContract('customer.profile.registered', 1);
    expect(() => contract?.streamId({ customer: { number: '17850' } })).toThrow('/customer/ref');
    expect(() => contract?.streamId({ customer: null })).toThrow('/customer/ref');
    expect(() => contract?.streamId({})).toThrow('/customer/ref');
  });
});

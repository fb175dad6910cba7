import { multiplyDecimal, type StoredEvent } from '@millrace/kernel';
import { decimal, list, object, optionalText, subjectRef, text, timeMs, type Data } from './field-reader.ts';
import type { Billing, CustomerFactRow, OrderLineRow, ProductFactRow, StarRows } from './star-row.model.ts';

type Event = Pick<StoredEvent, 'envelope'>;

const NOTHING: StarRows = { orderLines: [], productFacts: [], customerFacts: [] };

const orderLine = (billing: Billing, order: Data, value: unknown, index: number): OrderLineRow => {
  const at = `/lines/${index}`;
  const line = object(value, at);
  const quantity = decimal(line['quantity'], `${at}/quantity`);
  const unitPrice = decimal(line['unitPrice'], `${at}/unitPrice`);
  return {
    // Counted here: a producer's own numbers may repeat, and a line must stay one row.
    lineNo: index + 1,
    billing, quantity, unitPrice, amount: multiplyDecimal(quantity, unitPrice),
    orderId: text(order['orderId'], '/orderId'), currency: text(order['currency'], '/currency'),
    country: optionalText(order['country'], '/country'), customerRef: subjectRef(order['customer'], '/customer'),
    lineKind: text(line['kind'], `${at}/kind`), atMs: timeMs(line['placedAt'], `${at}/placedAt`),
    productId: text(line['productId'], `${at}/productId`), description: optionalText(line['description'], `${at}/description`),
    reason: optionalText(order['reason'], '/reason'),
  };
};

const billed = (billing: Billing) => (_: Event, data: Data): StarRows =>
  ({ ...NOTHING, orderLines: list(data['lines'], '/lines').map((line, index) => orderLine(billing, data, line, index)) });

const productFact = (fact: ProductFactRow['fact']) => ({ envelope }: Event, data: Data): StarRows => ({
  ...NOTHING,
  productFacts: [{
    fact, atMs: timeMs(envelope.time, '/time'), productId: text(data['productId'], '/productId'), name: optionalText(data['name'], '/name'), category: optionalText(data['category'], '/category'),
    price: data['price'] === undefined ? null : decimal(data['price'], '/price'), currency: optionalText(data['currency'], '/currency'),
    validFromMs: data['validFrom'] === undefined ? null : timeMs(data['validFrom'], '/validFrom'),
  }],
});

const customerFact = (fact: CustomerFactRow['fact']) => ({ envelope }: Event, data: Data): StarRows => ({
  ...NOTHING,
  customerFacts: [{ fact, atMs: timeMs(envelope.time, '/time'), customerRef: text(object(data['customer'], '/customer')['ref'], '/customer/ref'), country: optionalText(data['country'], '/country') }],
});

/** Nothing personal is taken from any event: a customer is a reference and a country. */
const FACTS: Readonly<Record<string, (event: Event, data: Data) => StarRows>> = {
  'sales.order.placed': billed('placed'),
  'sales.order.cancelled': billed('cancelled'),
  'sales.order.returned': billed('returned'),
  'sales.order.adjusted': billed('adjusted'),
  'merchandise.product.listed': productFact('listed'),
  'merchandise.product.retired': productFact('retired'),
  'merchandise.price.changed': productFact('priced'),
  'customer.profile.registered': customerFact('registered'),
  'customer.contact.changed': customerFact('changed'),
};

/** Whether `starRowsOf` looks into the data at all: the rest need not be parsed. */
export const feedsStar = (type: string): boolean => Object.hasOwn(FACTS, type);

/**
 * What an event, in the newest version of its type, adds to the star. Pure, and a function of that event alone: facts keep references to products and customers that may
 * never be loaded, so the order in which logs are read doesn't matter. Throws DomainError `invalid` for an event it can't read.
 */
export const starRowsOf = (event: Event, data: Data): StarRows => {
  const facts = feedsStar(event.envelope.type) ? FACTS[event.envelope.type] : undefined;
  if (!facts) return NOTHING;
  return facts(event, data);
};

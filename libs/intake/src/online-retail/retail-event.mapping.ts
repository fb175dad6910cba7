import { v5 as nameBasedUuid } from 'uuid';
import type { ContactChanged, OrderPlacedVersion1, ProductListed, ProfileRegistered, WireEvent } from '@millrace/contracts';
import type { Invoice } from './invoice.ts';
import type { RetailRow } from './retail-row.ts';

/** Where the ids of this mapping's events live; changing it makes every import new. */
const NAMESPACE = '6f5c2a52-7f0f-5b6e-9c0e-3a51e2b7c8d4';
const SOURCE = 'urn:millrace:import:online-retail';
const CURRENCY = 'GBP';

/**
 * Always version 1, whatever comes after it: version and data are part of what tells a retry from a conflict, so a file imported by an older
 * build and again by a newer one must give the same events.
 *
 * Ids are made from invoice numbers and stock codes, never from a customer's number: a hash of five digits would give it away.
 */
const wireEvent = (type: string, name: string, time: string, data: WireEvent['data']): WireEvent =>
  ({ specversion: '1.0', id: nameBasedUuid(`${type}/${name}`, NAMESPACE), source: SOURCE, type, version: 1, time, datacontenttype: 'application/json', data });

const orderType = (invoiceNo: string): string =>
  invoiceNo.startsWith('C') ? 'sales.order.cancelled' : invoiceNo.startsWith('A') ? 'sales.order.adjusted' : 'sales.order.placed';

const orderOf = (invoice: Invoice, first: RetailRow): WireEvent => {
  const lines: OrderPlacedVersion1['lines'] = invoice.rows.map((row, index) => ({
    lineNo: index + 1, productId: row.stockCode, ...(row.description === '' ? {} : { description: row.description }),
    quantity: row.quantity, unitPrice: row.unitPrice, kind: row.kind, placedAt: row.time,
  }));
  const customer = invoice.customerNumber === '' ? {} : { customer: { number: invoice.customerNumber } };
  const data: OrderPlacedVersion1 = { orderId: invoice.invoiceNo, currency: CURRENCY, country: invoice.country, channel: 'import', ...customer, lines };
  return wireEvent(orderType(invoice.invoiceNo), invoice.invoiceNo, first.time, data);
};

const listing = (row: RetailRow): WireEvent => {
  const data: ProductListed = { productId: row.stockCode, ...(row.description === '' ? {} : { name: row.description }) };
  return wireEvent('merchandise.product.listed', row.stockCode, row.time, data);
};

/** Nothing when the invoice has no customer, or one known in this country. */
const customerFact = (invoice: Invoice, time: string, knownCountry: string | undefined): WireEvent | undefined => {
  const { customerNumber: number, country, invoiceNo } = invoice;
  if (number === '' || knownCountry === country) return undefined;
  if (knownCountry !== undefined) return wireEvent('customer.contact.changed', invoiceNo, time, { customer: { number }, country } satisfies ContactChanged);
  return wireEvent('customer.profile.registered', invoiceNo, time, { customer: { number }, country, channel: 'import' } satisfies ProfileRegistered);
};

/**
 * The events of the invoices, in the order of their first lines; before an order come the products first seen on its lines and what
 * is new about its customer. Deterministic: the same file gives the same events with the same ids, so sending them twice adds nothing.
 */
export function* retailEvents(invoices: readonly Invoice[]): Generator<WireEvent> {
  const firstRow = new Map<string, RetailRow>();
  for (const { rows } of invoices) {
    for (const row of rows) if (row.line < (firstRow.get(row.stockCode)?.line ?? Infinity)) firstRow.set(row.stockCode, row);
  }
  const countryOf = new Map<string, string>();
  for (const invoice of invoices) {
    const [first] = invoice.rows;
    if (first === undefined) continue;
    for (const row of invoice.rows) if (firstRow.get(row.stockCode) === row) yield listing(row);
    const fact = customerFact(invoice, first.time, countryOf.get(invoice.customerNumber));
    if (fact !== undefined) yield fact;
    countryOf.set(invoice.customerNumber, invoice.country);
    yield orderOf(invoice, first);
  }
}

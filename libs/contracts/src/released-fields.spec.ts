import { PRIVACY_KEYWORD, type SchemaNode } from './json-schema.ts';
import { findContract } from './registry.ts';

/** Every field of every released version: its pointer, `?` when optional, its kind, and how it is protected. Only added to. */
const RELEASED: Readonly<Record<string, readonly string[]>> = {
  'sales.order.placed@1': [
    '/orderId string',
    '/currency string',
    '/country? string',
    '/channel? string',
    '/customer? object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/reservationId? string',
    '/lines/* object',
    '/lines/*/lineNo integer',
    '/lines/*/productId string',
    '/lines/*/description? string',
    '/lines/*/quantity string or integer',
    '/lines/*/unitPrice string',
    '/lines/*/kind product|postage|bank-charge|manual|fee|discount|adjustment|sample|other',
    '/lines/*/placedAt time',
  ],
  'sales.order.cancelled@1': [
    '/orderId string',
    '/currency string',
    '/country? string',
    '/channel? string',
    '/customer? object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/cancels? string',
    '/reason? string',
    '/lines/* object',
    '/lines/*/lineNo integer',
    '/lines/*/productId string',
    '/lines/*/description? string',
    '/lines/*/quantity string or integer',
    '/lines/*/unitPrice string',
    '/lines/*/kind product|postage|bank-charge|manual|fee|discount|adjustment|sample|other',
    '/lines/*/placedAt time',
  ],
  'sales.order.returned@1': [
    '/orderId string',
    '/currency string',
    '/country? string',
    '/channel? string',
    '/customer? object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/returns? string',
    '/reason? string',
    '/lines/* object',
    '/lines/*/lineNo integer',
    '/lines/*/productId string',
    '/lines/*/description? string',
    '/lines/*/quantity string or integer',
    '/lines/*/unitPrice string',
    '/lines/*/kind product|postage|bank-charge|manual|fee|discount|adjustment|sample|other',
    '/lines/*/placedAt time',
  ],
  'sales.order.adjusted@1': [
    '/orderId string',
    '/currency string',
    '/country? string',
    '/channel? string',
    '/customer? object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/adjusts? string',
    '/reason? string',
    '/lines/* object',
    '/lines/*/lineNo integer',
    '/lines/*/productId string',
    '/lines/*/description? string',
    '/lines/*/quantity string or integer',
    '/lines/*/unitPrice string',
    '/lines/*/kind product|postage|bank-charge|manual|fee|discount|adjustment|sample|other',
    '/lines/*/placedAt time',
  ],
  'sales.payment.captured@1': [
    '/paymentId string',
    '/orderId string',
    '/amount string',
    '/currency string',
    '/method string',
    '/provider? string',
  ],
  'sales.payment.failed@1': [
    '/paymentId string',
    '/orderId string',
    '/amount string',
    '/currency string',
    '/method string',
    '/provider? string',
    '/reason string',
  ],
  'sales.refund.issued@1': [
    '/refundId string',
    '/orderId string',
    '/paymentId? string',
    '/amount string',
    '/currency string',
    '/reason? string',
  ],
  'customer.profile.registered@1': [
    '/customer object',
    '/customer/number? string, identifier, kept: sealed',
    '/customer/email? string, identifier, kept: sealed',
    '/customer/name? string, sealed for identity',
    '/customer/phone? string, sealed for contact',
    '/customer/address? string, sealed for contact',
    '/country? string',
    '/channel? string',
  ],
  'customer.contact.changed@1': [
    '/customer object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/contact? object',
    '/contact/name? string, sealed for identity',
    '/contact/email? string, sealed for contact',
    '/contact/phone? string, sealed for contact',
    '/contact/address? string, sealed for contact',
    '/country? string',
  ],
  'customer.consent.given@1': [
    '/customer object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/purpose string',
    '/channel email|phone|post|web|app|any',
    '/policy? string',
  ],
  'customer.consent.withdrawn@1': [
    '/customer object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/purpose string',
    '/channel email|phone|post|web|app|any',
    '/policy? string',
    '/reason? string',
  ],
  'customer.identity.linked@1': [
    '/customer object',
    '/customer/number? string, identifier, kept: no',
    '/customer/email? string, identifier, kept: no',
    '/customer/visitorId? string, identifier, kept: no',
    '/method login|checkout|import|support',
  ],
  'inventory.stock.received@1': [
    '/productId string',
    '/location? string',
    '/quantity integer',
    '/supplier? string',
  ],
  'inventory.stock.counted@1': [
    '/productId string',
    '/location? string',
    '/quantity integer',
  ],
  'inventory.stock.reserved@1': [
    '/productId string',
    '/location? string',
    '/reservationId string',
    '/quantity integer',
    '/orderId? string',
  ],
  'inventory.stock.released@1': [
    '/productId string',
    '/location? string',
    '/reservationId string',
    '/quantity integer',
    '/reason? string',
  ],
  'inventory.stock.shipped@1': [
    '/productId string',
    '/location? string',
    '/quantity integer',
    '/reservationId? string',
    '/orderId? string',
  ],
  'merchandise.product.listed@1': [
    '/productId string',
    '/name? string',
    '/category? string',
    '/price? string',
    '/currency? string',
  ],
  'merchandise.product.retired@1': [
    '/productId string',
    '/reason? string',
  ],
  'merchandise.price.changed@1': [
    '/productId string',
    '/price string',
    '/currency string',
    '/previousPrice? string',
    '/validFrom? time',
  ],
  'clickstream.page.viewed@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path string',
    '/title? string',
    '/referrerHost? string',
  ],
  'clickstream.product.viewed@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/productId string',
    '/category? string',
    '/unitPrice? string',
    '/currency? string',
  ],
  'clickstream.search.performed@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/query string',
    '/results? integer',
  ],
  'clickstream.cart.item-added@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/productId string',
    '/quantity integer',
    '/unitPrice? string',
    '/currency? string',
  ],
  'clickstream.cart.item-removed@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/productId string',
    '/quantity integer',
  ],
  'clickstream.checkout.started@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/amount? string',
    '/currency? string',
    '/items? integer',
  ],
  'clickstream.checkout.completed@1': [
    '/sessionId string',
    '/visitor? object',
    '/visitor/id string, identifier, kept: no',
    '/ip? string, sealed for network',
    '/channel? string',
    '/path? string',
    '/orderId string',
    '/amount? string',
    '/currency? string',
    '/items? integer',
  ],
  'security.identifier.revealed@1': [
    '/actor string',
    '/reason string',
    '/field customer-number|name|email|phone|address|ip',
    '/refs/* string',
    '/outcome revealed|refused',
    '/code? string',
  ],
  'security.session.opened@1': [
    '/actor string',
    '/sessionId string',
    '/method password|login-link',
  ],
};

const kindOf = (node: SchemaNode): string => {
  if (Array.isArray(node.anyOf)) return node.anyOf.map((branch: SchemaNode) => String(branch.type)).join(' or ');
  if (Array.isArray(node.enum)) return node.enum.join('|');
  return node.format === 'date-time' ? 'time' : String(node.type);
};

const protectionOf = (node: SchemaNode): string => {
  const privacy = node[PRIVACY_KEYWORD];
  if (privacy?.kind === 'sealed') return `, sealed for ${privacy.purpose}`;
  return privacy?.kind === 'identifier' ? `, identifier, kept: ${privacy.kept}` : '';
};

const fieldsOf = (node: SchemaNode, pointer = '', optional = ''): string[] => {
  if (node[PRIVACY_KEYWORD] !== undefined) return [`${pointer}${optional} ${kindOf(node)}${protectionOf(node)}`];
  if (node.items !== undefined) return fieldsOf(node.items, `${pointer}/*`, optional);
  const required: readonly unknown[] = Array.isArray(node.required) ? node.required : [];
  const inner = Object.entries(node.properties ?? {}).flatMap(([name, child]) => fieldsOf(child, `${pointer}/${name}`, required.includes(name) ? '' : '?'));
  return pointer === '' ? inner : [`${pointer}${optional} object`, ...inner];
};

describe.each(Object.entries(RELEASED))('%s', (name, released) => {
  const [type = '', version] = name.split('@');
  const fields = fieldsOf(findContract(type, Number(version))?.jsonSchema ?? {});
  it('still has every released field, as it was', () => expect(released.filter((field) => !fields.includes(field))).toEqual([]));
  it('gained optional fields only: anything else is a new version', () => {
    expect(fields.filter((field) => !released.includes(field) && !field.split(' ')[0]?.endsWith('?'))).toEqual([]);
  });
});

import { z } from 'zod';
import type { StoredAs } from '../contract.ts';
import { bySubject, defineContract } from '../define-contract.ts';
import { address, code, country, customer, customerEmail, customerNumber, email, oneOf, personName, phone, visitorId } from '../field.ts';
import type { SealedField } from '../sealed-field.ts';
import { upcaster } from '../upcast.ts';

// All facts about one person are in the stream customer.profile/<ref>, so their order is kept.

/** As first released: how to reach a person stood among what identifies them. */
const registeredFlat = z.object({
  customer: z.object({
    number: customerNumber('sealed').optional(),
    email: customerEmail('sealed').optional(),
    name: personName().optional(),
    phone: phone().optional(),
    address: address().optional(),
  }).meta({ anyOf: [{ required: ['number'] }, { required: ['email'] }], description: 'a customer with at least one of number and email' }),
  country: country().optional(),
  channel: code().optional(),
});

const registered = z.object({
  customer: z.object({ number: customerNumber('sealed').optional(), email: customerEmail('sealed').optional() })
    .meta({ anyOf: [{ required: ['number'] }, { required: ['email'] }], description: 'a customer with at least one of number and email' }),
  contact: z.object({ name: personName().optional(), phone: phone().optional(), address: address().optional() }).optional(),
  country: country().optional(),
  channel: code().optional(),
});

interface StoredFlat {
  readonly customer: { readonly ref: string; readonly number?: SealedField; readonly email?: SealedField; readonly name?: SealedField; readonly phone?: SealedField; readonly address?: SealedField };
  readonly country?: string;
  readonly channel?: string;
}

/** Name, phone and address stand under `contact`, where customer.contact.changed has them: a reader finds them at one place. */
const contactApart = upcaster(({ customer: { name, phone: phoneField, address: addressField, ...identifiers }, ...rest }: StoredFlat) => {
  const contact = { ...(name && { name }), ...(phoneField && { phone: phoneField }), ...(addressField && { address: addressField }) };
  return { ...rest, customer: identifiers, ...(Object.keys(contact).length > 0 && { contact }) };
});

const contactChanged = z.object({
  customer: customer(),
  contact: z.object({ name: personName().optional(), email: email().optional(), phone: phone().optional(), address: address().optional() }).optional(),
  country: country().optional(),
});

const consent = { customer: customer(), purpose: code(), channel: oneOf('email', 'phone', 'post', 'web', 'app', 'any'), policy: code().optional() };
const consentGiven = z.object(consent);
const consentWithdrawn = z.object({ ...consent, reason: code().optional() });

const identityLinked = z.object({
  customer: z.object({ number: customerNumber().optional(), email: customerEmail().optional(), visitorId: visitorId().optional() })
    .meta({ minProperties: 2, description: 'a customer with at least two of number, email and visitorId: the identifiers to link' }),
  method: oneOf('login', 'checkout', 'import', 'support'),
});

export type ProfileRegistered = z.infer<typeof registered>;
export type ContactChanged = z.infer<typeof contactChanged>;
export type ConsentGiven = z.infer<typeof consentGiven>;
export type ConsentWithdrawn = z.infer<typeof consentWithdrawn>;
export type IdentityLinked = z.infer<typeof identityLinked>;
/** As stored: `customer` holds `ref` beside whatever fields were sealed. */
export type StoredProfile = StoredAs<ProfileRegistered, 'customer'>;

const stream = bySubject('profile', 'customer');
const subject = 'customer';

export const profileContracts = [
  defineContract({ type: 'customer.profile.registered', version: 1, summary: 'A customer became known; the only event that keeps a customer number, sealed.', schema: registeredFlat, subject, stream }),
  defineContract({ type: 'customer.profile.registered', version: 2, summary: 'A customer became known; the only event that keeps a customer number, sealed.', schema: registered, subject, stream, upcast: contactApart }),
  defineContract({ type: 'customer.contact.changed', version: 1, summary: 'A known customer can be reached differently.', schema: contactChanged, subject, stream }),
  defineContract({ type: 'customer.consent.given', version: 1, summary: 'A customer allowed a use of their data.', schema: consentGiven, subject, stream }),
  defineContract({ type: 'customer.consent.withdrawn', version: 1, summary: 'A customer took back a permission.', schema: consentWithdrawn, subject, stream }),
  defineContract({ type: 'customer.identity.linked', version: 1, summary: 'Two identifiers turned out to be the same person.', schema: identityLinked, subject, stream }),
];

import { z } from 'zod';
import type { StoredAs } from '../contract.ts';
import { bySubject, defineContract } from '../define-contract.ts';
import { address, code, country, customer, customerEmail, customerNumber, email, oneOf, personName, phone, visitorId } from '../field.ts';

// All facts about one person are in the stream customer.profile/<ref>, so their order is kept.

const registered = z.object({
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
  defineContract({ type: 'customer.profile.registered', version: 1, summary: 'A customer became known; the only event that keeps a customer number, sealed.', schema: registered, subject, stream }),
  defineContract({ type: 'customer.contact.changed', version: 1, summary: 'A known customer can be reached differently.', schema: contactChanged, subject, stream }),
  defineContract({ type: 'customer.consent.given', version: 1, summary: 'A customer allowed a use of their data.', schema: consentGiven, subject, stream }),
  defineContract({ type: 'customer.consent.withdrawn', version: 1, summary: 'A customer took back a permission.', schema: consentWithdrawn, subject, stream }),
  defineContract({ type: 'customer.identity.linked', version: 1, summary: 'Two identifiers turned out to be the same person.', schema: identityLinked, subject, stream }),
];

export type { DifferenceFound, LogRecovered, LogShardsRaised, ParkedEventDiscarded, ProjectionSwitched, RangeArchived } from './backbone/operation.contract.ts';
export { DISCARD_SUBJECT, discardQuestion, SWITCH_SUBJECT, switchQuestion, type DiscardQuestion, type SwitchQuestion } from './backbone/operation-questions.ts';
export type {
  CartItemAdded, CartItemRemoved, CheckoutCompleted, CheckoutStarted, PageViewed, ProductViewed, SearchPerformed, StoredPageViewed,
} from './clickstream/session.contract.ts';
export { checkData } from './check-data.ts';
export type {
  ContractCheck, EventContract, EventData, IdentifierKind, PersonalCategory, PrivacyAnnotation, ProtectedField, PurposeClass, StoredAs, SubjectRef, Upcaster,
} from './contract.ts';
export { VocabularyCheck, releasedForm, type PastEvent, type ReleasedContract, type Vocabulary } from './compatibility/vocabulary-check.ts';
export { readersOf, type BreakRule, type ContractReader, type Finding } from './compatibility/finding.ts';
export { CONTRACT_READERS } from './released/contract-readers.ts';
export { RELEASED_CONTRACTS } from './released/released-contracts.ts';
export type { ConsentGiven, ConsentWithdrawn, ContactChanged, IdentityLinked, ProfileRegistered, StoredProfile } from './customer/profile.contract.ts';
export { byField, byFields, bySubject, defineContract, streamOf } from './define-contract.ts';
export type { StockCounted, StockReceived, StockReleased, StockReserved, StockShipped } from './inventory/stock.contract.ts';
export { intakeSchemaOf, PRIVACY_KEYWORD } from './json-schema.ts';
export type { PriceChanged, ProductListed, ProductRetired } from './merchandise/product.contract.ts';
export { CONTRACTS, findContract, knownTypes, knownVersions, newestContract, upcast } from './registry.ts';
export type { OrderAdjusted, OrderCancelled, OrderLine, OrderLineKind, OrderPlaced, OrderPlacedVersion1, OrderReturned, StoredOrder } from './sales/order.contract.ts';
export type { PaymentCaptured, PaymentFailed } from './sales/payment.contract.ts';
export type { RefundIssued } from './sales/refund.contract.ts';
export type { IdentifierRevealed, SessionOpened } from './security/audit.contract.ts';
export type { EventRedacted } from './security/redaction.contract.ts';
export { checkStored, standInFor } from './stored-form.ts';
export { SealedField } from './sealed-field.ts';
export { upcaster, upcasting, type CurrentData, type Upcast } from './upcast.ts';
export { parseServiceManifest, type ServiceManifest } from './service-manifest.ts';
export { checkWireEvent, wireEventJsonSchema, wireEventSchema, type WireEvent } from './wire-event.ts';
export type { Fixture } from './fixtures/fixture.ts';
export { FIXTURES } from './fixtures/frozen.ts';
export type { ConsumerExplanation, LogExplanation, PositionRange } from './backbone/log-explanation.ts';

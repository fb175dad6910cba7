export { CachedSubjectKeys, DEFAULT_KEY_CACHE, type KeyCacheBounds } from './cached-subject-keys.ts';
export { identifierText, MAX_IDENTIFIER_LENGTH, normaliseIdentifier } from './identifier.ts';
export {
  KEY_REQUEST_BOUNDS, KEY_SUBJECTS, openKeyRequest, refuseKeyRequest, sealKeyAnswer, type KeyAnswer, type KeyOperation, type KeyRequest,
} from './key-exchange.ts';
export { maskText, type Mask } from './mask.ts';
export { NatsSubjectKeyProvider, type KeyClientIdentity, type RequestPort } from './nats-subject-keys.ts';
export { listSealed, purposesOf, redactForDisplay, sealFields, type EventPlace, type FieldToProtect } from './protected-fields.ts';
export { isSealed, openBytes, openField, sealBytes, sealField, type SealedBox, type SealedPlace, type SealedValue } from './sealed-value.ts';
export type { DataKey, IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from './subject-keys.ts';

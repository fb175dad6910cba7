export { identifierText, MAX_IDENTIFIER_LENGTH, normaliseIdentifier } from './identifier.ts';
export { maskText, type Mask } from './mask.ts';
export { listSealed, purposesOf, redactForDisplay, sealFields, type EventPlace, type FieldToProtect } from './protected-fields.ts';
export { isSealed, openBytes, openField, sealBytes, sealField, type SealedBox, type SealedPlace, type SealedValue } from './sealed-value.ts';
export type { DataKey, IdentifierValue, SubjectKeyProvider, SubjectKeys } from './subject-keys.ts';

export { systemClock, fixedClock, type Clock } from './clock.ts';
export type { Decider } from './decider.ts';
export { addDecimal, AMOUNT_DIGITS, compareDecimal, DECIMAL_PATTERN, formatDecimal, isNegative, multiplyDecimal, negateDecimal, parseDecimal, ZERO, type Decimal, type DecimalText } from './decimal.ts';
export { DomainError, isDomainError, type ErrorDetails, type ErrorKind } from './domain-error.ts';
export { parseEventType, type DomainEvent, type Envelope, type EventType, type Json, type JsonObject, type StoredEvent } from './event.ts';
export { BUSINESS_CONTEXTS, CONTEXTS, isContext, logName, parseLogName, parseTenant, type AsOf, type Context, type Epoch, type LogEpoch, type LogHead, type LogKey, type LogMark, type Position, type Tenant } from './log.ts';
export type { LogReader } from './log-reader.ts';
export { isRedacted, REDACTED_DATA, REDACTED_SALT, redactedForm } from './redacted-form.ts';
export { addMoney, money, multiplyMoney, type Money } from './money.ts';

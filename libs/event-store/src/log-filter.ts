import { escapeLiteral } from 'pg';

/** Which events of a log are asked for; both given: both must fit. */
export interface EventFilter {
  /** Exactly this event type, e.g. `sales.order.placed`. */
  readonly type?: string;
  /** Exactly this subject reference. */
  readonly subject?: string;
}

export const isFiltering = ({ type, subject }: EventFilter): boolean => type !== undefined || subject !== undefined;

/**
 * The members of a canonical envelope that the filter asks for, as they stand in its bytes. RFC 8785 has one spelling for a member, and the
 * name's opening quote can't follow within a string, where a quote is always preceded by a backslash: so containing these bytes is being
 * of that type.
 */
export const membersOf = ({ type, subject }: EventFilter): string[] => [
  ...(type === undefined ? [] : [`"type":${JSON.stringify(type)}`]), ...(subject === undefined ? [] : [`"subject":${JSON.stringify(subject)}`]),
];

/** A condition on `e.envelope`, NULL for an archived row. */
export const filterCondition = (filter: EventFilter): string =>
  membersOf(filter).map((member) => `position(convert_to(${escapeLiteral(member)}, 'UTF8') IN e.envelope) > 0`).join(' AND ') || 'true';

/** False for a text no event can hold: the server would refuse it. */
export const canMatch = ({ type, subject }: EventFilter): boolean => [type, subject].every((text) => text === undefined || (text.isWellFormed() && !text.includes('\0')));

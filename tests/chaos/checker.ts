import { foldOf, interleaved } from './fold.ts';
import { isClients, type Answer, type Figures, type History, type LogEvent, type SentEvent, type Violation } from './history.ts';
import { proofOf } from './workload.ts';

type Rule = (history: History) => string[];

interface Place { readonly log: string; readonly event: LogEvent }

const placesOf = ({ logs }: History): Map<string, Place[]> => {
  const places = new Map<string, Place[]>();
  for (const [log, events] of Object.entries(logs)) {
    for (const event of events) places.set(event.id, [...places.get(event.id) ?? [], { log, event }]);
  }
  return places;
};

/** What each id stood for when it was first sent; conflicts use ids sent before. */
const sentFirst = ({ attempts }: History): Map<string, SentEvent> => {
  const sent = new Map<string, SentEvent>();
  for (const { purpose, events } of attempts) if (purpose !== 'conflict') for (const event of events) if (!sent.has(event.id)) sent.set(event.id, event);
  return sent;
};

const acknowledgements = ({ attempts }: History): Answer[] =>
  attempts.filter(({ purpose }) => purpose !== 'conflict').flatMap(({ answers }) => (answers ?? []).filter(({ outcome }) => outcome !== 'rejected'));

/** True for what a restored log lost and `recover` named as lost: an acknowledgement of an older epoch, after the copy and beyond what was kept. */
const namedLost = ({ restored }: History, { log = '', epoch, position = 0, era }: Answer): boolean => {
  const cut = restored?.[log];
  return cut !== undefined && era === 'copied' && epoch !== undefined && epoch < cut.epoch && position > cut.kept;
};

const acknowledgedIsStored: Rule = (history) => {
  const places = placesOf(history);
  return acknowledgements(history).filter((answer) => !places.has(answer.id) && !namedLost(history, answer)).map(({ id, log, position }) => `${id}, acknowledged at ${log}:${position}, is in no log`);
};

const positionIsTheAcknowledged: Rule = (history) => {
  const places = placesOf(history);
  return acknowledgements(history).filter((answer) => !namedLost(history, answer)).flatMap(({ id, log, position, epoch }) => {
    const at = places.get(id)?.[0];
    if (at === undefined || (at.log === log && at.event.position === position && (epoch === undefined || epoch <= at.event.epoch))) return [];
    return [`${id} was acknowledged at ${log}:${position} (epoch ${epoch}) and stands at ${at.log}:${at.event.position} (epoch ${at.event.epoch})`];
  });
};

const storedOnce: Rule = (history) =>
  [...placesOf(history)].filter(([, places]) => places.length > 1).map(([id, places]) => `${id} stands at ${places.map(({ log, event }) => `${log}:${event.position}`).join(' and ')}`);

const storedWasSent: Rule = (history) => {
  const sent = sentFirst(history);
  return [...placesOf(history)].flatMap(([id, [place]]) => {
    const meant = sent.get(id);
    if (meant === undefined && !isClients(place!.log)) return [];
    if (meant === undefined) return [`${id} at ${place!.log}:${place!.event.position} was never sent`];
    const proof = proofOf(place!.event.type, place!.event.data);
    return proof === meant.proof ? [] : [`${id} holds ${proof}, sent was ${meant.proof}`];
  });
};

const positionsAreDense: Rule = ({ logs }) => Object.entries(logs).flatMap(([log, events]) =>
  events.flatMap(({ position }, index) => (position === index + 1 ? [] : [`${log} has position ${position} where ${index + 1} belongs`])).slice(0, 5));

const streamVersionsAreDense: Rule = ({ logs }) => {
  const last = new Map<string, number>();
  return Object.entries(logs).flatMap(([log, events]) => events.flatMap(({ stream, streamVersion, position }) => {
    const expected = (last.get(stream) ?? 0) + 1;
    last.set(stream, streamVersion);
    return streamVersion === expected ? [] : [`${stream} has version ${streamVersion} at ${log}:${position} where ${expected} belongs`];
  }));
};

/**
 * The order in which the client sent a stream's events: it never sends the next before the last is acknowledged. What a restored log lost, and
 * the client sent again, has an order of its own: it comes behind what was sent meanwhile.
 */
const streamsKeepTheirOrder: Rule = (history) => {
  const sent = sentFirst(history);
  const lostOnce = new Set(acknowledgements(history).filter((answer) => namedLost(history, answer)).map(({ id }) => id));
  const last = new Map<string, { readonly order: number; readonly id: string }>();
  return Object.entries(history.logs).flatMap(([log, events]) => events.flatMap(({ id, position }) => {
    const meant = sent.get(id);
    if (meant === undefined) return [];
    const row = `${meant.stream}${lostOnce.has(id) ? ' sent again' : ''}`;
    const before = last.get(row);
    last.set(row, meant);
    return before === undefined || before.order < meant.order ? [] : [`${id} at ${log}:${position} is number ${meant.order} of ${meant.stream} and stands after number ${before.order}`];
  }));
};

const everyEventIsAcknowledged: Rule = (history) => {
  const known = new Set(acknowledgements(history).map(({ id }) => id));
  return [...sentFirst(history).keys()].filter((id) => !known.has(id)).map((id) => `${id} was sent and never acknowledged`);
};

/** Of all requests with an id one made it; where an answer was lost, perhaps that one. */
const acceptedOnce: Rule = (history) => {
  const tally = new Map<string, { accepted: number; lost: boolean }>();
  for (const { purpose, events, answers } of history.attempts) {
    if (purpose === 'conflict') continue;
    for (const [index, { id }] of events.entries()) {
      const answer = answers?.[index];
      const seen = tally.get(id) ?? { accepted: 0, lost: false };
      tally.set(id, { accepted: seen.accepted + (answer?.outcome === 'accepted' && !namedLost(history, answer) ? 1 : 0), lost: seen.lost || answer === undefined });
    }
  }
  return [...tally].filter(([, { accepted, lost }]) => accepted > 1 || (accepted === 0 && !lost)).map(([id, { accepted }]) => `${id} was answered accepted ${accepted} times`);
};

const conflictsAreRefused: Rule = ({ attempts }) => attempts.filter(({ purpose }) => purpose === 'conflict').flatMap(({ answers }) =>
  (answers ?? []).filter(({ outcome }) => outcome !== 'rejected').map(({ id, outcome }) => `${id} with another body was answered ${outcome}`));

const nothingElseIsRefused: Rule = ({ attempts }) => attempts.filter(({ purpose }) => purpose !== 'conflict').flatMap(({ answers }) =>
  (answers ?? []).filter(({ outcome }) => outcome === 'rejected').map(({ id, code }) => `${id} was refused as ${code}`));

/**
 * Received = accepted + duplicate + rejected + unanswered, and each side agrees with what client and log know. What was counted between a copy
 * and its restore is lost with the rest of that time.
 */
const accountingAddsUp: Rule = (history) => {
  const { accounting: { received, accepted, duplicate, rejected, unanswered }, attempts, logs, source } = history;
  const stored = Object.values(logs).flat().filter(({ via }) => via === source).length;
  const answered = (outcome: Answer['outcome']): number => attempts.flatMap(({ answers }) => answers ?? []).filter((answer) => answer.outcome === outcome && answer.era !== 'copied').length;
  const sent = attempts.reduce((sum, { events }) => sum + events.length, 0);
  const open = attempts.filter(({ answers }) => answers === undefined || answers.some(({ era }) => era === 'copied')).reduce((sum, { events }) => sum + events.length, 0);
  const claims: [boolean, string][] = [
    [received === accepted + duplicate + rejected + unanswered, `received ${received} is not ${accepted} + ${duplicate} + ${rejected} + ${unanswered}`],
    [accepted === stored, `${accepted} counted as accepted, ${stored} stored`],
    [duplicate >= answered('duplicate'), `${duplicate} counted as duplicate, ${answered('duplicate')} answered so`],
    [rejected >= answered('rejected'), `${rejected} counted as rejected, ${answered('rejected')} answered so`],
    [received <= sent, `${received} counted as received, ${sent} sent`],
    [unanswered >= 0, `${unanswered} unanswered: more was decided than came`],
    [unanswered <= open, `${unanswered} unanswered, but only ${open} events were in requests without an answer`],
  ];
  return claims.filter(([holds]) => !holds).map(([, what]) => what);
};

const busEqualsLog: Rule = ({ logs, bus }) => Object.entries(logs).flatMap(([log, events]) => {
  const messages = bus[log] ?? [];
  const first = messages[0]?.sequence ?? 1;
  const differing = messages.flatMap(({ sequence, id, leaf, recomputed }, index) => {
    const event = events[sequence - 1];
    if (sequence !== first + index) return [`the stream of ${log} has sequence ${sequence} where ${first + index} belongs`];
    if (event?.id !== id || event.leaf !== leaf) return [`sequence ${sequence} of ${log} carries ${id} (leaf ${leaf.slice(0, 12)}), the log has ${event?.id} (leaf ${event?.leaf.slice(0, 12)})`];
    return recomputed === leaf ? [] : [`sequence ${sequence} of ${log} does not hash to its leaf`];
  });
  const end = first + messages.length - 1;
  return [...differing.slice(0, 5), ...(end === events.length ? [] : [`the stream of ${log} ends at ${end}, the log at ${events.length}`])];
});

const lakeEqualsLog: Rule = ({ logs, lake }) => Object.entries(logs).filter(([log]) => isClients(log)).flatMap(([log, events]) => {
  const rows = lake[log] ?? [];
  const differing = events.flatMap(({ id, leaf, position }, index) => {
    const row = rows[index];
    return row?.position === position && row.id === id && row.leaf === leaf ? [] : [`the lake has ${row?.id ?? 'nothing'} at ${log}:${position}, the log has ${id}`];
  });
  return [...differing.slice(0, 5), ...(rows.length === events.length ? [] : [`the lake has ${rows.length} events of ${log}, the log ${events.length}`])];
});

const difference = (name: string, shown: Figures, folded: Figures): string[] =>
  [...new Set([...Object.keys(shown), ...Object.keys(folded)])].filter((figure) => shown[figure] !== folded[figure]).map((figure) => `${name} says ${figure} is ${shown[figure]}, a fold of the log ${folded[figure]}`);

/** Merges that are tried: a fold that depends on one shows within a few. */
const INTERLEAVINGS = 4;

/** Kinds of figures a read model must show, all of them: the first word of a figure's name. */
const IN_ANALYTICS = new Set(['orders', 'gross', 'clean', 'units', 'buyers', 'cancelled']);
const IN_WAREHOUSE = new Set([...IN_ANALYTICS, 'placed', 'country']);

const ofKinds = (figures: Figures, kinds: ReadonlySet<string>): Figures => Object.fromEntries(Object.entries(figures).filter(([name]) => kinds.has(name.split(' ')[0]!)));

const figuresEqualAFold: Rule = ({ tenant, logs, metrics, warehouse }) => {
  const [folded, ...others] = Array.from({ length: INTERLEAVINGS }, (_, n) => foldOf(interleaved(logs, `${tenant} ${n}`)));
  return [
    ...others.flatMap((other, n) => difference(`interleaving ${n + 1}`, other, folded!)),
    ...difference('analytics', metrics, ofKinds(folded!, IN_ANALYTICS)), ...difference('the warehouse', warehouse, ofKinds(folded!, IN_WAREHOUSE)),
  ];
};

/** Every log verified to its end, all of it cosigned, nothing found. A history without a verification has not passed one. */
const ledgerVerifies: Rule = ({ ledger, logs }) => {
  if (ledger === undefined) return ['the ledger was not verified'];
  const verdicts = new Map(ledger.logs.map((verdict) => [verdict.log, verdict]));
  return [
    ...(ledger.complete ? [] : ['the verification ended before its end']),
    ...ledger.findings,
    ...Object.entries(logs).flatMap(([log, stored]) => {
      const verdict = verdicts.get(log);
      if (verdict === undefined) return [`${log} was not verified`];
      const { events, cosigned, findings } = verdict;
      return findings === 0 && events === stored.length && cosigned === stored.length ? [] : [`${log}: ${findings} findings, ${events} of ${stored.length} events verified, ${cosigned} cosigned`];
    }),
  ];
};

const RULES: Readonly<Record<string, Rule>> = {
  'acknowledged-is-stored': acknowledgedIsStored, 'position-is-the-acknowledged': positionIsTheAcknowledged, 'stored-once': storedOnce, 'stored-was-sent': storedWasSent,
  'positions-are-dense': positionsAreDense, 'stream-versions-are-dense': streamVersionsAreDense, 'streams-keep-their-order': streamsKeepTheirOrder,
  'every-event-is-acknowledged': everyEventIsAcknowledged, 'accepted-once': acceptedOnce, 'conflicts-are-refused': conflictsAreRefused, 'nothing-else-is-refused': nothingElseIsRefused,
  'accounting-adds-up': accountingAddsUp, 'bus-equals-log': busEqualsLog, 'lake-equals-log': lakeEqualsLog, 'figures-equal-a-fold': figuresEqualAFold, 'ledger-verifies': ledgerVerifies,
};
export const RULE_NAMES = Object.keys(RULES);

/** Everything that is wrong with a history; empty when it holds. Pure. */
export const violationsOf = (history: History): Violation[] =>
  Object.entries(RULES).flatMap(([rule, check]) => check(history).map((what) => ({ rule, what })));

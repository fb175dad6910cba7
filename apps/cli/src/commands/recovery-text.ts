import type { ConsumerExplanation, LogExplanation, PositionRange } from '@millrace/contracts';

const inWords = ({ from, to, events }: PositionRange): string => `${events} events (${from === to ? from : `${from} to ${to}`})`;

const consumerLine = (consumer: ConsumerExplanation): string => {
  const standing = `  ${consumer.name}: at ${consumer.position} of epoch ${consumer.epoch}, ${consumer.state}`;
  const anew = consumer.appliesAnew ? [`applies ${inWords(consumer.appliesAnew)} of the log`] : [];
  if (consumer.action === 'goes-on') return `${standing}; loses and repeats nothing, ${anew.length > 0 ? anew.join('') : 'has all of the log'}`;
  const parts = [
    ...(consumer.loses ? [`loses ${consumer.exact ? '' : 'at least '}${inWords(consumer.loses)} that the log does not hold`] : []),
    ...(consumer.repeats ? [`applies ${inWords(consumer.repeats)} again`] : []), ...anew,
  ];
  return `${standing}; starts over from position 1: ${parts.join(', ')}`;
};

const logText = (log: LogExplanation): string => [
  `${log.tenant} ${log.log}: ${log.state === 'agrees' ? 'agrees' : log.state.toUpperCase()}, epoch ${log.epoch === 0 ? 'none' : log.epoch}, head ${log.head}`,
  ...(log.state === 'agrees' ? [] : [
    ...log.reasons.map((reason) => `  because ${reason}`),
    `  last position in common: ${log.agreesThrough}; furthest position anybody has seen: ${log.previousHead}`,
    ...(log.stream ? [`  stream of epoch ${log.stream.epoch}: ${log.stream.first} to ${log.stream.last}, the log's events through ${log.stream.agreesThrough}`] : []),
    ...log.consumers.map(consumerLine),
    ...log.silent.map((name) => `  ${name}: does not answer; what it would lose or repeat is not known`),
  ]),
  ...(log.recovery ? [`  epoch ${log.recovery.epoch} was made of ${log.recovery.previousEpoch} at ${log.recovery.at}: ${log.recovery.reason}`] : []),
].join('\n');

/** Logs that have parted first, in full; of the others a line each. */
export const explanationText = (logs: readonly LogExplanation[]): string =>
  (logs.length === 0 ? 'there are no logs' : [...logs.filter(({ state }) => state !== 'agrees'), ...logs.filter(({ state }) => state === 'agrees')].map(logText).join('\n'));

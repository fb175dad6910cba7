import { DomainError, isDomainError, systemClock, type Clock, type LogReader } from '@millrace/kernel';
import { CONTRACT_READERS, CONTRACTS, FIXTURES, RELEASED_CONTRACTS, VocabularyCheck, type Finding, type Vocabulary } from '@millrace/contracts';
import { samplePast } from './past-sample.ts';

/** A finding in the log names where it was met first. */
export interface GateFinding extends Finding {
  readonly log?: string;
  readonly position?: number;
}

export interface GateReport {
  readonly contracts: number;
  readonly fixtures: number;
  /** Events of the past that were read, validated and upcast. */
  readonly events: number;
  /** False when time ran out before all that was asked for was read. */
  readonly complete: boolean;
  /** What this build would break: it must not run on these logs. */
  readonly breaks: readonly GateFinding[];
  /** Events that never fitted their own version; their readers park them, in this build as in any other. */
  readonly unfit: readonly GateFinding[];
}

const OURS: Vocabulary = { contracts: CONTRACTS, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: CONTRACT_READERS };

/** At start nobody waits long; an operator may ask for more. */
const START_SAMPLE = 20;
const START_LIMIT_MS = 3000;
const ASKED_LIMIT_MS = 60_000;

const keyOf = ({ rule, type, version, pointer }: Finding): string => `${rule} ${type}@${version} ${pointer}`;

/** Holds this build's contracts against what was released and against what the logs hold. */
export class ContractGate {
  private readonly check: VocabularyCheck;
  private passed = false;

  constructor(private readonly reader: LogReader, private readonly vocabulary: Vocabulary = OURS, private readonly clock: Clock = systemClock) {
    this.check = new VocabularyCheck(vocabulary);
  }

  /** Everything, with the newest `perType` events of each type and log. Errors: the event store's. */
  async report(perType: number, limitMs = ASKED_LIMIT_MS): Promise<GateReport> {
    const found = new Map<string, GateFinding>(this.check.run().map((finding) => [keyOf(finding), finding]));
    let events = 0;
    const now = () => this.clock.now().getTime();
    const untilMs = now() + limitMs;
    for await (const past of samplePast(this.reader, { perType, untilMs, now })) {
      events += 1;
      const finding = this.check.past(past);
      if (finding && !found.has(keyOf(finding))) found.set(keyOf(finding), { ...finding, log: past.log, position: past.position });
    }
    const all = [...found.values()];
    return {
      contracts: this.vocabulary.contracts.length, fixtures: this.vocabulary.fixtures.length, events, complete: now() < untilMs,
      breaks: all.filter(({ rule }) => rule !== 'past-refused'), unfit: all.filter(({ rule }) => rule === 'past-refused'),
    };
  }

  /**
   * Before anything is served: throws DomainError `conflict` (`contracts-incompatible`) naming every break. Answers the report, or undefined
   * when the logs can't be read now; what was released is checked all the same, and `passes` goes on with the rest.
   */
  async open(): Promise<GateReport | undefined> {
    refuse(this.check.run());
    try {
      const report = await inTime(this.report(START_SAMPLE, START_LIMIT_MS));
      refuse(report.breaks);
      this.passed = true;
      return report;
    } catch (error) {
      if (isDomainError(error) && error.kind === 'unavailable') return undefined;
      throw error;
    }
  }

  /** A readiness check: looks at the past as soon as it can be read, then never again. */
  async passes(): Promise<void> {
    if (!this.passed && (await this.open()) === undefined) throw new DomainError('unavailable', 'past-unread', {}, 'The logs can\'t be read yet, so it isn\'t known whether this build can read them.');
  }
}

/** A database that doesn't answer must not hold the start up: the rest is then read when it does. */
const inTime = async <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DomainError('unavailable', 'past-unread', {}, 'The logs did not answer in time.')), 2 * START_LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const refuse = (breaks: readonly GateFinding[]): void => {
  if (breaks.length === 0) return;
  const lines = breaks.map(({ type, version, says, breaks: names, log, position }) =>
    `${type}@${version}${log === undefined ? '' : ` (${log} ${position})`} ${says}${names.length === 0 ? '' : ` Would break: ${names.join(', ')}.`}`);
  throw new DomainError('conflict', 'contracts-incompatible', { breaks: breaks.length }, `This build's contracts don't fit what is stored, so it doesn't start. ${lines.join(' | ')}`);
};

import type { OldestSnapshot } from '@millrace/event-store';

export interface SnapshotStanding extends OldestSnapshot {
  readonly thresholdSeconds: number;
  /** The oldest snapshot is older than the threshold. */
  readonly alert: boolean;
}

/** Warns when the oldest open snapshot crosses the threshold, and says when it is over: once each, not at every look. */
export class SnapshotWatch {
  private alerting = false;

  constructor(private readonly sample: () => Promise<OldestSnapshot>, private readonly thresholdMs: number, private readonly onChange: (standing: SnapshotStanding) => void) {}

  async look(): Promise<SnapshotStanding> {
    const sample = await this.sample();
    const thresholdSeconds = this.thresholdMs / 1000;
    const standing = { ...sample, thresholdSeconds, alert: sample.snapshotSeconds > thresholdSeconds };
    if (standing.alert !== this.alerting) {
      this.alerting = standing.alert;
      this.onChange(standing);
    }
    return standing;
  }
}

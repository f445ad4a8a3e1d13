import { channel } from 'node:diagnostics_channel';

/** Published on the channel `kahn:snapshot-skipped` of `node:diagnostics_channel`. */
export interface SnapshotSkipped {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** Why there is no snapshot. */
  readonly error: unknown;
}

const skipped = channel('kahn:snapshot-skipped');

/** Publishes that a due snapshot was not taken. */
export function publishSkipped(event: SnapshotSkipped): void {
  skipped.publish(event);
}

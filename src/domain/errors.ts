import { KahnError } from '../util/errors.ts';

/** An aggregate was used after the event that ended it. */
export class AggregateDiscardedError extends KahnError {
  override readonly code = 'AGGREGATE_DISCARDED';
  readonly originatorId: string;

  constructor(kind: string, originatorId: string, eventType: string) {
    super(`${kind} '${originatorId}' is discarded: '${eventType}' can no longer happen to it.`);
    this.originatorId = originatorId;
  }
}

/** Something that only `apply` may do was done outside of it. */
export class NotApplyingError extends KahnError {
  override readonly code = 'NOT_APPLYING';
}

/** Recorded events do not fit the aggregate they are replayed on: a version is missing or comes twice. */
export class HistoryBrokenError extends KahnError {
  override readonly code = 'HISTORY_BROKEN';
  readonly originatorId: string;

  constructor(originatorId: string, version: number, eventVersion: number) {
    super(
      `Aggregate '${originatorId}' is at version ${version}, but its next recorded event has version ` +
        `${eventVersion}: the storage has lost or doubled an event.`,
    );
    this.originatorId = originatorId;
  }
}

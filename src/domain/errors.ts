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

/** An aggregate was used after the policy that got or made it had ended: it would not be recorded. */
export class AggregateReleasedError extends KahnError {
  override readonly code = 'AGGREGATE_RELEASED';
  readonly originatorId: string;

  constructor(kind: string, originatorId: string, eventType: string) {
    super(
      `'${eventType}' came too late for ${kind} '${originatorId}': the policy that got it has ended. ` +
        'A policy must await everything it starts, and not keep what it gets.',
    );
    this.originatorId = originatorId;
  }
}

/** `apply` did what only commands may do, or a command what only `apply` may do. */
export class ApplyRuleError extends KahnError {
  override readonly code = 'APPLY_RULE';
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

import { KahnError } from '../util/errors.ts';

/** An aggregate was used after the event that discarded it. */
export class AggregateDiscardedError extends KahnError {
  override readonly code = 'AGGREGATE_DISCARDED';
  declare readonly originatorId: string;

  constructor(className: string, originatorId: string, eventType: string) {
    super(
      `Cannot trigger '${eventType}' on ${className} '${originatorId}': it is discarded. Create a new one.`,
      { originatorId },
    );
  }
}

/** An aggregate was used after its policy had finished, so the event would not be recorded. */
export class AggregateReleasedError extends KahnError {
  override readonly code = 'AGGREGATE_RELEASED';
  declare readonly originatorId: string;

  constructor(className: string, originatorId: string, eventType: string) {
    super(
      `Cannot trigger '${eventType}' on ${className} '${originatorId}': the policy that loaded it has already finished. ` +
        'Await everything a handler starts, and keep no aggregate after it returns.',
      { originatorId },
    );
  }
}

/** `apply` triggered an event, or a command called `discard`. */
export class ApplyRuleError extends KahnError {
  override readonly code = 'APPLY_RULE';
}

/** A recorded event does not have the next version of its aggregate: the storage has lost or repeated an event. */
export class HistoryBrokenError extends KahnError {
  override readonly code = 'HISTORY_BROKEN';
  declare readonly originatorId: string;

  constructor(originatorId: string, version: number, eventVersion: number) {
    super(
      `Aggregate '${originatorId}' is at version ${version}, but its next recorded event has version ` +
        `${eventVersion}: the storage has lost or repeated an event. Restore it from a backup.`,
      { originatorId },
    );
  }
}
